/* words.c: what a program said last, without what is no word of it; and of a disk that is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/words.h"

static void
says(const char *text, const char *expected)
{
	char *words = last_words(text);

	assert_string_equal(words, expected);
	free(words);
}

static void
last_line(void **state)
{
	(void)state;
	says("", "");
	says("\n \n\t\n", "");
	says("one\ntwo\n", "two");
	says("one\ntwo", "two");
	says("one\n  two  \n\n", "two");
	says("Step 2/2\nERROR: failed to solve: exit code: 1\nView build details: docker-desktop://x\n",
	     "ERROR: failed to solve: exit code: 1");
	says("docker: 'x' is not a docker command.\nSee 'docker --help'\n",
	     "docker: 'x' is not a docker command.");
	says("cause\n--------------------\n", "cause");
	says("See 'docker --help'\n", "See 'docker --help'"); /* where there is nothing else */
}

static void
control_bytes(void **state)
{
	(void)state;
	says("\033[91mcause\033[0m\n", "cause");
	says("Pulling... \rPulling... 50%\rPulling... done.\n", "Pulling... done.");
	says("cause\r\n", "cause");
	says("a\001b\177c\n", "abc");
	says("x\033[", "x");
	says("\033]0;title\acause\n", "cause"); /* the window's title, as xterm has it */
	says("\033]8;;http://h/\033\\cause\033]8;;\033\\\n", "cause");
	says("\033(Bcause\0337\033M\n", "cause");
	says("a\xc2\x9b"
	     "31mb\n",
	     "a31mb"); /* CSI of eight bits */
	says("\xc3\xa4\n", "\xc3\xa4");
	says("x\033", "x");
	says("x\033]never ends", "x");
}

static void
passwords(void **state)
{
	(void)state;
	says("proxyconnect http://me:secret@proxy:3128: refused", "proxyconnect http://proxy:3128: refused");
	says("https://a:b@c@host/x@y and http://u@h", "https://host/x@y and http://h");
	says("mail a@b", "mail a@b");
}

static void
bounded(void **state)
{
	char *line = malloc(100000), *words;

	(void)state;
	memset(line, 'x', 99999);
	line[99999] = '\0';
	words = last_words(line);
	assert_in_range(strlen(words), 1, 1000);
	free(words);
	free(line);
}

static void
commands(void **state)
{
	char *words;

	(void)state;
	words = command_words((char *[]){"docker", "build", "--force-rm", NULL});
	assert_string_equal(words, "'docker build'");
	free(words);
	words = command_words((char *[]){"/bin/false", "--version", "x", NULL});
	assert_string_equal(words, "'/bin/false --version'");
	free(words);
	words = command_words((char *[]){"smolvm", "pack", "create", "--image", NULL});
	assert_string_equal(words, "'smolvm pack create'");
	free(words);
	words = command_words((char *[]){"true", NULL});
	assert_string_equal(words, "'true'");
	free(words);
}

static void
full_disk(void **state)
{
	(void)state;
	assert_true(tells_full_disk("cannot spool it: No space left on device"));
	assert_true(tells_full_disk("write: Disk quota exceeded"));
	assert_false(tells_full_disk("Input/output error"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(last_line), cmocka_unit_test(control_bytes), cmocka_unit_test(passwords),
	    cmocka_unit_test(bounded),   cmocka_unit_test(commands),      cmocka_unit_test(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
