# report.jq: bench.json from the lines of `rows` (stdin) and $samples, "<group>[.<stage>] <side> <value>" with tabs between.
# $machine is [the machine], $repeated how often the plain script had to try again, $seconds what it all took.

# What one run differs from the next: "not slower" is shown as held within it.
def noise: 0.03;

def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def measured($side): if . == null then null else { side: $side, median: median, samples: . } end;

# One number of both sides: over the turns, in which both ran side by side, so that a load that comes and goes counts for both.
def turns($a; $b; f): # f of [ours, beside]
	if $a == null or $b == null then null
	elif ($a.samples | length) == ($b.samples | length) then [$a.samples, $b.samples] | transpose | map(f) | median
	else [$a.median, $b.median] | f
	end;

def unit: if startswith("<") then sub("^<[0-9.]+"; "") else "ms" end;
def limit: capture("^[<+x](?<n>[0-9.]+)").n | tonumber;
def verdict($wanted): # of a row
	if $wanted == "-" then null
	elif .ours == null then "failed"
	elif $wanted[:1] == "<" then .ours.median < ($wanted | limit)
	elif .beside == null then "failed"
	elif $wanted[:1] == "+" then .above <= ($wanted | limit)
	else .ratio <= ($wanted | limit) + (if ($wanted | limit) == 1 then noise else 0 end)
	end
	| if . == true then "ok" elif . == false then "missed" else . end;
def row($taken; $group; $ours; $beside; $wanted; $what; $unit):
	{ group: $group, what: $what, unit: $unit, ours: ($taken[$group][$ours] | measured($ours)),
		beside: ($taken[$group][$beside] | measured($beside)) }
	| .ratio = turns(.ours; .beside; if .[1] > 0 then .[0] / .[1] else null end)
	| .above = turns(.ours; .beside; .[0] - .[1])
	| .wanted = (if $wanted == "-" then null else $wanted end)
	| .verdict = verdict($wanted);

(reduce ($samples | split("\n")[] | select(. != "") | split("\t")) as [$group, $side, $value]
	({}; .[$group][$side] += [$value | tonumber])) as $taken
| [inputs | [splits(" +")] | { group: .[0], ours: .[2], beside: .[3], wanted: .[4], what: (.[5:] | join(" ")) }] as $rows
| { machine: $machine[0], seconds: $seconds, plain_repeated: $repeated,
	rows: [$rows[] as $r
		| row($taken; $r.group; $r.ours; $r.beside; $r.wanted; $r.what; $r.wanted | unit)
		# its stages, in the order in which they came
		| .stages = [$taken | keys_unsorted[] | select(startswith($r.group + ".")) as $stage
			| row($taken; $stage; $r.ours; $r.beside; "-"; ($stage | ltrimstr($r.group + ".")); "ms")]],
	helpers: [$taken | keys | sort_by(. != "helper.true", .)[] | select(startswith("helper.")) as $helper
		| ($helper | ltrimstr("helper.")) as $name
		| if $name == "true" then row($taken; $helper; "start"; "-"; "-"; $name; "ms")
			else row($taken; $helper; "start"; "-"; "<5ms"; $name; "ms") end
		# of several the highest: some were also seen at work
		| . + { memory_mb: ($taken[$helper].memory | max) }
		| if .verdict == "ok" and .memory_mb >= 10 then .verdict = "missed" else . end] }
