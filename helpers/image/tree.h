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
	char *target;               /* of a symbolic link, as the layer has it; else NULL */
	const struct node *carrier; /* for the tree's user: the name under which the content goes out */
};

struct node {
	struct node *parent, *first, *last, *previous, *next; /* in the order in which they came */
	struct node *chain;                                   /* others of its hash */
	struct file *file;                                    /* NULL: a folder that no layer describes */
	uint32_t touched; /* the last layer that set this name or one below it */
	uint32_t setgid;  /* one more than the layer that made it a set-group-ID folder, or 0 */
	bool folder;
	char name[];
};

struct tree {
	struct node *root, **bucket;
	size_t nodes, buckets;
};

void tree_init(struct tree *t);
void tree_free(struct tree *t);
struct node *tree_reach(struct tree *t, const char *path, const char **base, uint32_t layer, bool make,
			char why[WHY]);
struct node *tree_find(const struct tree *t, struct node *folder, const char *name);
struct node *tree_put(struct tree *t, struct node *folder, const char *name, bool is_folder, uint32_t layer,
		      char why[WHY]);
void tree_describe(struct node *n, off_t header, const char *target, uint32_t layer);
struct node *tree_link(struct tree *t, const char *path, const struct node *target, uint32_t layer,
		       char why[WHY]);
void tree_hide(struct tree *t, struct node *folder, uint32_t layer);
void tree_remove(struct tree *t, struct node *n, uint32_t layer);
struct node *tree_after(const struct node *n);
void tree_path(const struct node *n, char path[PATH_ROOM]);

#endif
