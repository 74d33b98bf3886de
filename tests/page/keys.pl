#!/usr/bin/perl
# keys.pl PAGE COMMAND...: works a page of headless Chromium by its keyboard alone, and prints what that did. COMMAND starts it.
#
# Speaks the DevTools protocol through two pipes, descriptors 3 and 4 of Chromium, a NUL behind each message (--remote-debugging-pipe).
# Prints "name: value" lines. Exit: 0; 1 no answer within a minute, or an error that Chromium tells of.
use strict;
use warnings;
use JSON::PP;
use POSIX ();

my ($page, @command) = @ARGV;
pipe(my $its_in, my $to) && pipe(my $from, my $its_out) or die "pipe: $!";
my $child = fork() // die "fork: $!";
if (!$child) {
	POSIX::dup2(fileno($its_in), 13);    # out of the way of 3 and 4
	POSIX::dup2(fileno($its_out), 14);
	POSIX::dup2(13, 3);
	POSIX::dup2(14, 4);
	exec @command, '--remote-debugging-pipe', 'about:blank' or exit 127;
}
close $its_in;
close $its_out;
$SIG{ALRM} = sub { kill KILL => $child; die "no answer within a minute\n" };
$SIG{PIPE} = 'IGNORE';
alarm 60;

my ($number, $buffer, $session) = (0, '');

# The answer to a call; with an event's name, that event's parameters instead. What else comes is passed over.
sub await {
	my ($id, $event) = @_;
	while (1) {
		while ($buffer =~ s/^([^\0]*)\0//) {
			my $message = decode_json($1);
			if ($event ? ($message->{method} // '') eq $event : ($message->{id} // 0) == $id) {
				die "$message->{error}{message}\n" if $message->{error};
				return $message->{result} // $message->{params};
			}
		}
		sysread($from, $buffer, 65536, length $buffer) or die "Chromium has ended\n";
	}
}

sub post {
	my ($method, $params) = @_;
	my %message = (id => ++$number, method => $method, params => $params // {});
	$message{sessionId} = $session if $session;
	syswrite($to, encode_json(\%message) . "\0") or die "Chromium has ended\n";
	return $number;
}
sub call { return await(post(@_)) }
sub value { return call('Runtime.evaluate', {expression => $_[0], returnByValue => JSON::PP::true})->{result}{value} }

sub press {
	my ($key, $code, $text) = @_;
	my %key = (key => $key, code => $key, windowsVirtualKeyCode => $code);
	call('Input.dispatchKeyEvent', {%key, type => $text ? 'keyDown' : 'rawKeyDown', $text ? (text => $text) : ()});
	call('Input.dispatchKeyEvent', {%key, type => 'keyUp'});
}
sub tab   { press('Tab',   9) }
sub enter { press('Enter', 13, "\r") }

# --- The page
my ($target) = grep { $_->{type} eq 'page' } @{call('Target.getTargets')->{targetInfos}};
$session = call('Target.attachToTarget', {targetId => $target->{targetId}, flatten => JSON::PP::true})->{sessionId};
call('Page.enable');
post('Page.navigate', {url => $page});
await(0, 'Page.loadEventFired');
call('Page.bringToFront');

# Open tables have heads, which can be reached too; so all are opened first, by the key, as they are come to.
my (@reached, $sorted, $opened);
my $here = 'document.activeElement';
for (1 .. 200) {
	tab();
	my $tag = value("$here.tagName");
	last if $tag eq 'BODY' || $tag eq 'HTML';
	push @reached, value("$here.textContent");
	if ($tag eq 'SUMMARY') {
		enter();
		$opened += value("$here.parentElement.open ? 1 : 0");
	} elsif ($tag eq 'BUTTON') {
		enter();
		$sorted += value("$here.closest('th').ariaSort ? 1 : 0");
	}
}
printf "reached: %s\n", scalar @reached == value(q(document.querySelectorAll('button, summary, [tabindex="0"], a[href]').length)) ? 'all' : "@reached";
printf "opened: %s\n", $opened == value(q(document.querySelectorAll('summary').length)) ? 'all' : $opened // 0;
printf "sorted: %s\n", $sorted == value(q(document.querySelectorAll('button').length)) ? 'all' : $sorted // 0;
printf "seen: %s\n", value(q((() => { const s = document.querySelector('summary'); s.focus(); return getComputedStyle(s).outlineStyle })()));
post('Browser.close');
waitpid $child, 0;
