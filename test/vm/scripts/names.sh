# Makes, finds, renames and removes files in the working directory, and prints what came of it.
mkdir -p a/b/c many
for number in $(seq 100); do echo "$number" >"many/file $number"; done
echo "listed: $(ls many | wc -l), sum $(cat many/* | awk '{ sum += $1 } END { print sum }')"
mv "many/file 8" "many/another name"
mv "many/file 9" a/b/c/moved
mv many renamed
echo "renamed: $(ls renamed | wc -l), $(cat "renamed/another name"), $(cat a/b/c/moved)"
rm -r renamed
echo "left:" $(find . | sort)

echo one >file
echo two >>file
chmod 640 file
touch -d '2001-02-03 04:05:06' file
echo "file: $(stat -c '%a, %s bytes, %Y' file):" $(cat file)
truncate -s 5 file
exec 3<file
rm file
echo "removed, but open:" $(cat <&3)
exec 3<&-

printf '#!/bin/sh\necho "run with $*"\n' >script
chmod 755 script
./script these arguments
ls -d gone a/gone/gone script/gone 2>&1
mkdir a 2>&1
rmdir a/b 2>&1
cat a 2>&1
long=$(head -c 255 /dev/zero | tr '\0' n)
echo 'of 255 bytes' >"$long"
echo "name $(cat "$long")"
touch "${long}n" 2>/dev/null || echo 'no name of 256 bytes'
rm -r a script "$long"
