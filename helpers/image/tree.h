/*
 * tree.h - the names of a file tree, as layers set and remove them.
 *
 * A node is a name; a file is what it names, and hard links are several names
 * for one. The content stays where it is: a file says where in which layer.
 *
 * Paths are clean (tar.h). tree_reach leads to the folder that an entry is put into,
 * everything else begins there.
 */
#ifndef TREE_H
#define TREE_H

#include "image/tar.h"

struct file {
	off_t header; /* where the entry begins that it is made of */
	uint32_t layer, names;
	uint32_t entry;             /* which one of its layer that is, from 0 */
	char *target;               /* of a symbolic link, as the layer has it; else NULL */
	const struct node *carrier; /* for the tree's user: the name under which the content goes out */
};

struct node {
	struct node *parent, *first, *last, *previous, *next; /* in the order in which they came */
	struct node *chain;                                   /* others of its hash */
	struct file *file;                                    /* NULL: a folder that no layer describes */
	uint32_t touched; /* the last layer that set this name or one below it */
	uint32_t setgid;  /* one more than the layer that made it a set-group-ID folder, or 0 */
	uint32_t layer,
	    entry; /* what gave the file this name: an entry, from 0, of a layer; where it has a file */
	bool folder;
	unsigned char marks; /* for the tree's user */
	char name[];
};

struct tree {
	struct node *root, **bucket;
	size_t nodes, buckets;
};

/* An empty tree: the root alone. */
void tree_init(struct tree *t);

/* Frees all nodes. */
void tree_free(struct tree *t);

/*
 * The folder that is meant by the path of an entry of this layer, all but its last name, which *base becomes:
 * links that this layer has made so far are followed, inside the root, as the engine does when it extracts
 * the layer by itself (docker: chroot and the kernel; containerd: fs.RootPath). With make, folders that are
 * not there are made; a file or link of a lower layer in the way of those becomes a folder: so the engines'
 * overlays have it. One of this layer, or a link that leads to no folder, is an error, as it is to the
 * engine. NULL: why says which, or is "" where nothing is there.
 */
struct node *tree_reach(struct tree *t, const char *path, const char **base, uint32_t layer, bool make,
			char why[WHY]);

/* What the folder has by that name, the folder itself by "", or NULL. */
struct node *tree_find(const struct tree *t, struct node *folder, const char *name);

/*
 * The same in this layer, made where it is not there, and made a folder or none. A folder that stays one
 * keeps what is in it. NULL: why says that there are too many names.
 */
struct node *tree_put(struct tree *t, struct node *folder, const char *name, bool is_folder, uint32_t layer,
		      char why[WHY]);

/*
 * From now on the name means what the entry at that place describes, the layer's entry-th; target: of a symbolic link, else NULL.
 */
void tree_describe(struct node *n, off_t header, const char *target, uint32_t layer, uint32_t entry);

/* One more name for the file that target names now, by the layer's entry-th. NULL: why says why not. */
struct node *tree_link(struct tree *t, const char *path, const struct node *target, uint32_t layer,
		       uint32_t entry, char why[WHY]);

/* Takes from a folder what lower layers have put there, at any depth. */
void tree_hide(struct tree *t, struct node *folder, uint32_t layer);

/* Takes away what lower layers know by this name; what this layer itself has put there stays. */
void tree_remove(struct tree *t, struct node *n, uint32_t layer);

/*
 * The next node of the tree: what is in a folder comes after it and before its neighbours. NULL: that was the
 * last.
 */
struct node *tree_after(const struct node *n);

/* The node's path from the root, without a slash in front. */
void tree_path(const struct node *n, char path[PATH_ROOM]);

#endif
