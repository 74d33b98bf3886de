# images.jq - checks an images file and prints it as NUL-ended K=V strings, each image beginning with IMAGE.
# $options is what `plan-images -o` prints: the keys of an image and the types of their values. The first fault ends it, with a message that names the place.

def fail($where; $what): error("\($where): \($what)");

def no_nul($where): if any(explode[]; . == 0) then fail($where; "holds a NUL character") else . end;

def text($where):
  if type != "string" then fail($where; "must be a string, is \(type)") else no_nul($where) end;

def whole($where):
  if type != "number" or . != floor or . < 1 then fail($where; "must be a whole number above 0") else tostring end;

# Of MiB, or with a unit, which plan-images knows.
def memory($where):
  if type == "string" and test("^[0-9]+[A-Za-z]+$") then .
  elif type != "number" or . != floor or . < 1 then
    fail($where; "must be a whole number of MiB above 0, or as \"2G\"")
  else tostring end;

def known($keys; $where):
  (keys_unsorted - $keys)[0] as $key
  | if $key == null then . else fail($where; "unknown key \"\($key)\"; known are \($keys | join(", "))") end;

def object($where): if type != "object" then fail($where; "must be an object, is \(type)") else . end;

# An empty string would be no setting at all.
def filled($where): if . == "" then fail($where; "is empty; leave the key out") else . end;

def arguments($where):
  object($where) | to_entries[]
  | .key as $k | .value | text("\($where).\($k)")
  | if ($k | test("^[A-Za-z_][A-Za-z0-9_.-]*$")) then . else fail($where; "\"\($k)\" is not a name") end
  | "\($k)=\(.)";

# Of true; false is as if it were not there.
def switch($where): if type != "boolean" then fail($where; "must be true or false, is \(type)") elif . then "1" else empty end;

def list($where):
  if type == "string" then . elif type != "array" then fail($where; "must be a string or an array of strings, is \(type)")
  else to_entries[] | "\($where)[\(.key)]" as $here | .value | text($here) | filled($here) end;

# One value, or as many as there are.
def values($type; $where):
  if $type == "arguments" then arguments($where)
  elif $type == "switch" then switch($where)
  elif $type == "list" then list($where)
  else (if $type == "whole" then whole($where) elif $type == "memory" then memory($where) else text($where) end)
    | filled($where)
  end;

def image($where):
  object($where)
  | known(["image", $options[].key]; $where)
  | if has("image") then . else fail($where; "has no \"image\"") end
  | . as $image
  | "IMAGE=\(.image | text("\($where).image") | filled("\($where).image"))\u0000",
    ($options[] as {$key, $name, $type} | select($image | has($key))
     | "\($where).\($key)" as $here | $image[$key] | values($type; $here) | "\($name)=\(.)\u0000");

object("the file")
| known(["images"]; "the file")
| if has("images") then .images else fail("the file"; "has no \"images\"") end
| if type != "array" then fail("images"; "must be an array, is \(type)") else . end
| if length == 0 then fail("images"; "is empty") else . end
| to_entries[] | "images[\(.key)]" as $where | .value | image($where)
