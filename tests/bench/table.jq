# table.jq: bench.json as the table that `make bench` prints.

def left($n): . + " " * ([$n - length, 0] | max);
def right($n): " " * ([$n - length, 0] | max) + .;
def digits($n): # rounded, with so many behind the point
	pow(10; $n) as $f | (. * $f | round) as $i
	| if $n == 0 then "\($i)" else "\($i / $f | floor).\("\($i % $f)" | ("0" * ($n - length)) + .)" end;
def time:
	if . == null then "-"
	elif . < 10 then "\(digits(1)) ms"
	elif . < 1000 then "\(digits(0)) ms"
	else "\(. / 1000 | digits(2)) s"
	end;
def amount($unit): if . == null or $unit == "ms" then time else "\(digits(1)) \($unit)" end;
def ratio: if . == null then "-" else digits(2) end;
def wanted:
	if . == null then ""
	elif .[:1] == "x" then "<= \(.[1:])"
	elif .[:1] == "+" then "<= +\(.[1:-2]) ms"
	else sub("^<(?<n>[0-9.]+)"; "< \(.n) ")
	end;
def line($what; $ours; $beside; $ratio; $wanted; $verdict):
	"\($what | left(62)) \($ours | right(9)) \($beside | right(9)) \($ratio | right(6))  \($wanted | left(9)) \($verdict)"
	| sub(" +$"; "");
def row($indent):
	.unit as $unit | line($indent + .what; .ours.median | amount($unit); .beside.median | amount($unit); .ratio | ratio; .wanted | wanted;
		(.verdict // "") + (if .wanted != null and .wanted[:1] == "+" and .above
			then " (\(if .above >= 0 then "+" else "" end)\(.above | digits(0)))" else "" end));

def runs: [.rows[].ours.samples // [] | length] | "\(min) to \(max)";

line("what"; "ours"; "beside"; "ratio"; "wanted"; "verdict"),
(.rows[] | row(""), (.stages[] | row("    "))),
"",
line("helper"; "start"; "memory"; ""; "wanted"; "verdict"),
(.helpers[] | line(.what; .ours.median | time; "\(.memory_mb | digits(1)) MB"; "";
	if .wanted then "< 5 ms, < 10 MB " else "" end; .verdict // "")),
"",
"medians of \(runs) runs, ratios and differences over their turns; all in \(.seconds) s",
"\(.machine.cpus) x \(.machine.model), \(.machine.memory_gb) GB, load \(.machine.load);",
"\(.machine.kernel); engine \(.machine.engine), CLI \(.machine.docker_cli); \(.machine.make)",
"as smolvm's guest pulls: by \(.machine.guest)",
(select(.plain_repeated > 0) | "the plain script had to be run again \(.plain_repeated) times: its registry was not ready yet")
