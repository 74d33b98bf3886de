/* words.h - what a foreign program said last, and what to do about one that says nothing. */
#ifndef WORDS_H
#define WORDS_H

#include "lib/lib.h"

/*
 * In place: ESC [ ... and other control bytes go, and blanks at the end; of a line that was written over itself, what was
 * written last stays.
 */
void plain_line(char *line);

/*
 * The last line that says something, without control sequences and without what stands before an @ in a URL,
 * which may be a password; "" where there is none. The caller frees it.
 */
char *last_words(const char *text);

/* The same of the end of an open file; "" where it cannot be read. */
char *last_words_in(int fd);

/*
 * "'docker build'", "'/bin/false --version'": the command as far as it tells what was done. The caller frees
 * it.
 */
char *command_words(char *const *argv);

/* A program that the user chooses. */
struct program {
	const char *setting; /* its name: DOCKER, SMOLVM */
	const char *get;     /* how to come by it */
};

/* Which of them the command is; NULL where it is none. */
const struct program *program_of(const char *command);

/* Bytes that can still be written below folder, -1 where that is not known. */
long long free_bytes(const char *folder);

/* Bytes that the open file takes on its disk. */
long long used_bytes(int fd);

/* Whether the words tell of a disk that is full. */
bool tells_full_disk(const char *words);

#endif
