# Prints what the node set in $XCPU_WORD can become by its last member, the whole word on each line. Reads the node
# map: name=host[!port] on each line. Nodes that are numbered are also told together, as in n[8-11].

BEGIN {
  word = ENVIRON["XCPU_WORD"]
  start = inside = 0
  for (i = 1; i <= length(word); i++) {
    character = substr(word, i, 1)
    if (character == "[") { inside = 1; bracket = i }
    else if (character == "]") inside = 0
    else if (character == "," && !inside) start = i
  }
  start += index(substr(word, start + 1), "@")
  head = substr(word, 1, start)
  members = split(head, named, ",")
  for (i = 1; i <= members; i++) { sub(/.*@/, "", named[i]); taken[named[i]] = 1 }
}

{
  sub(/#.*/, "")
  equals = index($0, "=")
  name = substr($0, 1, equals - 1)
  gsub(/^[ \t]+|[ \t]+$/, "", name)
  if (!equals || name == "" || name ~ /[][,@! \t]/ || name in known) next
  known[name] = 1
  names[++count] = name
  if (!match(name, /[0-9]+$/) || RLENGTH > 9) next
  base = substr(name, 1, RSTART - 1)
  digits = substr(name, RSTART)
  if (!(base in size)) bases[++baseCount] = base
  numbers[base, ++size[base]] = digits
  if (digits ~ /^0./) padded[base] = 1
}

END {
  for (i = 1; i <= count; i++) if (!(names[i] in taken)) offer(head names[i])
  for (i = 1; i <= baseCount; i++) if (size[bases[i]] > 1) offer(head bases[i] "[" folded(bases[i]) "]")
  if (inside) complete_range()
}

function offer(candidate) {
  if (substr(candidate, 1, length(word)) == word && !(candidate in offered)) print candidate
  offered[candidate] = 1
}

# The numbers of a base as ranges; those with leading zeros are parted by their widths.
function folded(base,    i, j, key, low, high, text) {
  for (i = 2; i <= size[base]; i++) {
    key = numbers[base, i]
    for (j = i - 1; j > 0 && after(base, numbers[base, j], key); j--) numbers[base, j + 1] = numbers[base, j]
    numbers[base, j + 1] = key
  }
  for (i = 1; i <= size[base]; i++) {
    low = high = numbers[base, i]
    while (i < size[base] && follows(base, high, numbers[base, i + 1])) high = numbers[base, ++i]
    text = text (text == "" ? "" : ",") (low == high ? low : low "-" high)
  }
  return text
}

function after(base, a, b) {
  if (padded[base] && length(a) != length(b)) return length(a) > length(b)
  return a + 0 > b + 0
}

function follows(base, a, b) {
  return b + 0 == a + 1 && (!padded[base] || length(a) == length(b))
}

# In brackets that are open: the next number of a list, or the end of a range.
function complete_range(    base, inner, part, low, i) {
  base = substr(word, start + 1, bracket - start - 1)
  inner = substr(word, bracket + 1)
  part = inner
  sub(/[^,-]*$/, "", part)
  low = -1
  if (part ~ /-$/) { low = part; sub(/-$/, "", low); sub(/.*,/, "", low) }
  for (i = 1; i <= size[base]; i++) {
    if (numbers[base, i] + 0 > low + 0) offer(substr(word, 1, bracket) part numbers[base, i] "]")
  }
}
