# The same with what 9P2000 lacks: links, owners by number, a name that takes the place of another.
mkdir d
echo content >d/file
ln d/file hard
echo more >>hard
ln -s d/file soft
ln -s nowhere dangling
echo "links: $(readlink soft):" $(cat soft)
cat dangling 2>&1
echo "owner: $(stat -c '%u:%g' d)"
echo new >other
mv other hard
echo "replaced:" $(cat hard d/file)
# By its path: busybox's shell prefers what is in busybox.
echo "as another user:" $(/usr/bin/setpriv --reuid=41001 --regid=41100 --clear-groups cat d/file)
rm -r d hard soft dangling
