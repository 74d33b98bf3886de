# graph.jq - what is known of each image, with $plan beside it, as SVG: a row an image, a column a step. Two images of one ID lead to one
# machine, which stands at the first of them.

def escaped: gsub("&"; "&amp;") | gsub("<"; "&lt;") | gsub(">"; "&gt;") | gsub("\""; "&quot;");
def cut($n): if length > $n then "..." + .[length - $n + 3:] else . end;
def size: if . >= 1e9 then "\(. / 1e8 | round / 10) GB" elif . >= 1e6 then "\(. / 1e5 | round / 10) MB" else "\(. / 100 | round / 10) kB" end;
def took($record; $stage): $record.seconds[$stage] // null | if . then "\(. * 10 | round / 10) s" else "" end;

def box($x; $y; $width; $class; $first; $second):
  "<g class=\"\($class)\"><rect x=\"\($x)\" y=\"\($y)\" width=\"\($width)\" height=\"40\" rx=\"4\"/>"
  + "<text x=\"\($x + 8)\" y=\"\($y + 17)\">\($first | escaped)</text><text class=\"soft\" x=\"\($x + 8)\" y=\"\($y + 32)\">\($second | escaped)</text></g>";
def edge($x1; $y1; $x2; $y2; $text):
  "<path d=\"M\($x1),\($y1) C\(($x1 + $x2) / 2),\($y1) \(($x1 + $x2) / 2),\($y2) \($x2 - 5),\($y2)\" marker-end=\"url(#end)\"/>"
  + (if $text == "" then "" else "<text class=\"soft\" text-anchor=\"middle\" x=\"\(($x1 + $x2) / 2)\" y=\"\(([$y1, $y2] | add) / 2 - 5)\">\($text | escaped)</text>" end);

[range(length) as $i | .[$i] + $plan[0][$i]
  | . + {key: (if .id == "" then "" else .id + .suffix end), row: $i, y: (20 + 60 * $i)}] as $rows
| ($rows | map(select(.key != "")) | group_by(.key) | map({key: .[0].key, value: (map(.row) | min)}) | from_entries) as $first
| (if $from == "" then 20 else 190 end) as $left
| (20 + 60 * ($rows | length)) as $height
| ($left + 880) as $width
| "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \($width) \($height)\" width=\"\($width)\" height=\"\($height)\" role=\"img\" aria-label=\"Images and their machines\">",
  "<style>svg{color-scheme:light dark;--paper:#fff;--ink:#1c2024;--soft:#5b6470;--line:#8a94a0;--hit:#1f7a55;--miss:#b3372f;background:var(--paper)}"
  + "@media(prefers-color-scheme:dark){svg{--paper:#14171a;--ink:#e6e9ec;--soft:#9aa4af;--line:#6c7783;--hit:#66c79b;--miss:#f0857d}}"
  + "text{font:13px system-ui,sans-serif;fill:var(--ink)}.soft{font-size:11px;fill:var(--soft)}rect{fill:none;stroke:var(--line)}path{fill:none;stroke:var(--line)}"
  + ".hit rect{stroke:var(--hit);stroke-width:2}.miss rect{stroke:var(--miss);stroke-width:2;stroke-dasharray:4 3}marker path{fill:var(--line);stroke:none}</style>",
  "<defs><marker id=\"end\" viewBox=\"0 0 8 8\" refX=\"6\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0,0L8,4L0,8z\"/></marker></defs>",
  (if $from == "" then empty else box(20; 20; 130; "file"; $from | cut(16); "\($rows | length) images") end),
  ($rows[] | . as $row
    | (if $from == "" then empty else edge(150; 40; $left; .y + 20; "") end),
      box($left; .y; 240; "image"; .image | cut(32); if .context then "built from \(.context | split("/")[-1] | cut(24))" else "as it is on the engine" end),
      edge($left + 240; .y + 20; $left + 360; .y + 20; took(.record; "build") | if . == "" then . else "build \(.)" end),
      box($left + 360; .y; 160; "id"; if .id == "" then "not built yet" else .id end; if .suffix == "" then "" else "options \(.suffix[1:])" end),
      (if .key == "" then empty
       else ($rows[$first[.key]].y) as $y
        | edge($left + 520; .y + 20; $left + 660; $y + 20;
            if $first[.key] != .row then "" else [("push", "export", "pack") as $step | took($row.record; $step) | select(. != "") | "\($step) \(.)"] | join(", ") end),
          (if $first[.key] != .row then empty
           else box($left + 660; $y; 200; if .there then "hit" else "miss" end; if .there then "hit: machine is there" else "miss: to be packed" end;
             if .record then "\((.record.sizes.launcher // 0) + (.record.sizes.sidecar // 0) | size), packed by \(.record.packed_by // "smolvm")" else "" end) end) end)),
  "</svg>"
