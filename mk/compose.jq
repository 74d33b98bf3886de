# compose.jq - `docker compose config --format json` as an images file: each service that has a build. A service without one is named in
# "skipped". Paths are absolute there, but for the Dockerfile's, which begins at the context.

def path($context): if startswith("/") then . else "\($context)/\(.)" end;

def settings:
  .build as $b
  | {context: $b.context}
  + (if $b.dockerfile then {dockerfile: ($b.dockerfile | path($b.context))} else {} end)
  + (if $b.target then {target: $b.target} else {} end)
  + ([$b.args // {} | to_entries[] | select(.value != null) | {(.key): (.value | tostring)}] | add
     | if . then {build_args: .} else {} end)
  + ((($b.platforms // []) + [.platform // empty]) | unique
     | if length == 1 then {platform: .[0]} else {} end);

.name as $project
| {images: [.services // {} | to_entries[] | select(.value.build)
            | {image: (.value.image // "\($project)-\(.key)")} + (.value | settings)],
   skipped: [.services // {} | to_entries[] | select(.value.build | not) | .key]}
