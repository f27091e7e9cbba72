/**
 * A name on the way to something that nodes see otherwise than it is. The paths that rules are about make a tree of
 * these, from `/` down; most files have none.
 */
export class Place {
  readonly name: string;
  readonly path: string;
  readonly children = new Map<string, Place>();
  rule: 'hidden' | 'shown' | undefined;
  /** An empty directory in place of whatever there is. */
  emptied = false;
  /** An empty directory where there is nothing. */
  mountPoint = false;
  /** By the rule of this path, or of the nearest above that has one. */
  hidden = false;
  /** Nodes see something of that name: what is here, or a directory on the way to what is shown. */
  visible = true;
  /** Something at or below this path is hidden: it stays where it is. */
  guarded = false;
  /** A directory is made up here, or on the way to one, if there is none. */
  wanted = false;

  constructor(name = '', path = '/') {
    this.name = name;
    this.path = path;
  }

  /** The place of an absolute path without `..`, made if there is none yet. */
  at(path: string): Place {
    let place: Place = this;
    for (const name of path.split('/')) {
      if (name === '') continue;
      let next = place.children.get(name);
      if (!next) {
        next = new Place(name, `${place.path === '/' ? '' : place.path}/${name}`);
        place.children.set(name, next);
      }
      place = next;
    }
    return place;
  }

  /** Whether nodes see nothing of that name in the directory here, whatever there is. */
  conceals(name: string): boolean {
    const child = this.children.get(name);
    return child ? !child.visible : this.hidden;
  }
}

/** What is said of paths; absolute ones, without `..`. */
export interface PathRules {
  /** Not there for nodes, with all that is below. */
  readonly hidden: readonly string[];
  /** There all the same. The longer of a hidden and a shown path counts. */
  readonly shown: readonly string[];
  /** The exported directory. */
  readonly root: string;
  /** Below the root: empty directories in place of whatever there is. */
  readonly emptied: readonly string[];
  /** Below the root: empty directories where there is nothing. */
  readonly mountPoints: readonly string[];
  /** Below the root: what is not served as it is. */
  readonly rewritten: readonly string[];
}

/** The places that the rules are about, from this machine's `/` down, and that of the exported directory. */
export function placesOf(rules: PathRules): { readonly top: Place; readonly root: Place } {
  const top = new Place();
  for (const path of rules.hidden) top.at(path).rule = 'hidden';
  for (const path of rules.shown) top.at(path).rule = 'shown';
  const root = top.at(rules.root);
  for (const path of rules.emptied) root.at(path).emptied = true;
  for (const path of rules.mountPoints) root.at(path).mountPoint = true;
  for (const path of rules.rewritten) root.at(path);
  settle(top, false);
  return { top, root };
}

/** Works out what follows from the rules of a place and all below. */
function settle(place: Place, inherited: boolean): void {
  place.hidden = place.rule ? place.rule === 'hidden' : inherited;
  place.visible = !place.hidden;
  place.guarded = place.hidden;
  place.wanted = place.mountPoint || place.emptied;
  for (const child of place.children.values()) {
    settle(child, place.hidden);
    place.visible ||= child.visible;
    place.guarded ||= child.guarded;
    place.wanted ||= child.wanted;
  }
}
