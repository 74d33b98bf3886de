/* installed.h - the smolvm that is there now. */
#ifndef INSTALLED_H
#define INSTALLED_H

/*
 * The version of SMOLVM as `smolvm --version` says it, or "" where there is none or it does not say. It is
 * asked only when it is another file than that asked last, or its variables are others; CACHE_DIR is the
 * working folder.
 */
void installed_smolvm(char version[40]);

#endif
