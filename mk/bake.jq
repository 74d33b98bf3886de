# bake.jq - `docker buildx bake --print` as an images file: each target that has a name for its image. One without is named in "skipped".
# Contexts begin at the file, Dockerfiles at their context.

def path($context): if startswith("/") then . else "\($context)/\(.)" end;

# A string as on docker's command line, or since buildx 0.19 an object.
def csv: if type == "object" then [to_entries[] | "\(.key)=\(.value)"] | join(",") else . end;
def ssh: if type == "object" then .id + (if .paths then "=" + (.paths | join(",")) else "" end) else . end;

def settings:
  (.context // ".") as $context
  | {context: $context}
  + (if .dockerfile then {dockerfile: (.dockerfile | path($context))} else {} end)
  + (if .target then {target: .target} else {} end)
  + ([.args // {} | to_entries[] | select(.value != null) | {(.key): (.value | tostring)}] | add
     | if . then {build_args: .} else {} end)
  + (if ."no-cache" then {no_cache: true} else {} end)
  + (if .pull then {pull: true} else {} end)
  + ([.secret // [] | .[] | csv] | if length > 0 then {secret: .} else {} end)
  + ([.ssh // [] | .[] | ssh] | if length > 0 then {ssh: .} else {} end)
  + (if (.platforms // [] | length) == 1 then {platform: .platforms[0]} else {} end);

{images: [.target // {} | to_entries[] | select(.value.tags // [] | length > 0) | {image: .value.tags[0]} + (.value | settings)],
 skipped: [.target // {} | to_entries[] | select(.value.tags // [] | length == 0) | .key]}
