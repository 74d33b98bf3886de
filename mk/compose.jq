# compose.jq - `docker compose config --format json` as an images file: each service that has a build. A service without one is named in
# "skipped". Paths are absolute there, but for the Dockerfile's, which begins at the context.

# Secrets are declared for the project, and named by the build.
def secrets($declared): [.[] | (if type == "string" then {source: .} else . end)
  | .source as $source | $declared[$source] // {}
  | "id=\($source)" + (if .file then ",src=\(.file)" elif .environment then ",env=\(.environment)" else "" end)];

# "default", "id: path", or {"id": path}.
def ssh: if type == "object" then [to_entries[] | if .value then "\(.key)=\(.value)" else .key end]
  else [.[] | sub(": *"; "=")] end;

def path($context): if startswith("/") then . else "\($context)/\(.)" end;

def settings($declared):
  .build as $b
  | {context: $b.context}
  + (if $b.dockerfile then {dockerfile: ($b.dockerfile | path($b.context))} else {} end)
  + (if $b.target then {target: $b.target} else {} end)
  + ([$b.args // {} | to_entries[] | select(.value != null) | {(.key): (.value | tostring)}] | add
     | if . then {build_args: .} else {} end)
  + (if $b.no_cache then {no_cache: true} else {} end)
  + (if $b.pull then {pull: true} else {} end)
  + ([$b.secrets // [] | secrets($declared)[]] | if length > 0 then {secret: .} else {} end)
  + ([$b.ssh // [] | ssh[]] | if length > 0 then {ssh: .} else {} end)
  + ((($b.platforms // []) + [.platform // empty]) | unique
     | if length == 1 then {platform: .[0]} else {} end);

.name as $project | (.secrets // {}) as $declared
| {images: [.services // {} | to_entries[] | select(.value.build)
            | {image: (.value.image // "\($project)-\(.key)")} + (.value | settings($declared))],
   skipped: [.services // {} | to_entries[] | select(.value.build | not) | .key]}
