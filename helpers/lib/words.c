/* words.c - what a foreign program said last, and what to do about one that says nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/io.h"
#include "lib/words.h"

enum { WORDS_MAX = 400, END = 1 << 16 }; /* bytes */

static bool
begins(const char *line, const char *with)
{
	return strncasecmp(line, with, strlen(with)) == 0;
}

/* Lines that programs print behind their error: where to read more. */
static bool
is_trailer(const char *line)
{
	static const char *const trailers[] = {
	    "View build details", "Run '", "See '", "See \"",     "Try ",     "Usage:",
	    "For more ",          "hint:", "note:", "Learn more", "More info"};

	for (size_t i = 0; i < LENGTH(trailers); i++)
		if (begins(line, trailers[i]))
			return true;
	return strpbrk(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == NULL;
}

/*
 * The last byte of the sequence that begins with this ESC, or the end of the text (ECMA-48: 5.4 control sequences, 5.6 strings;
 * ECMA-35: 13.2 the others).
 */
static const char *
sequence_end(const char *p)
{
	p++;
	if (*p == '[') {
		for (p++; *p && !(*p >= '@' && *p <= '~');)
			p++;
	} else if (*p && strchr("]PX^_", *p)) { /* up to BEL, which xterm takes too, or ESC \ */
		for (p++; *p && *p != '\a' && !(*p == '\033' && p[1] == '\\');)
			p++;
		p += *p == '\033';
	} else
		while (*p >= ' ' && *p <= '/')
			p++;
	return p;
}

void
plain_line(char *line)
{
	char *to = line;

	for (const char *p = line; *p; p++) {
		if (*p == '\033')
			p = sequence_end(p);
		else if (*p == '\xc2' && (unsigned char)p[1] >= 0x80 && (unsigned char)p[1] < 0xa0)
			p++; /* a control character, as UTF-8 has those of eight bits */
		else if (*p == '\r' && p[1] != '\0')
			to = line;
		else if (*p == '\t' || ((unsigned char)*p >= ' ' && *p != 127))
			*to++ = *p;
		if (*p == '\0')
			break;
	}
	*to = '\0';
	while (to > line && (to[-1] == ' ' || to[-1] == '\t'))
		*--to = '\0';
}

/* In place: "http://user:word@host" -> "http://host". */
static void
hide_passwords(char *line)
{
	for (char *p = line; (p = strstr(p, "://")) != NULL;) {
		char *host = p + 3, *end = host + strcspn(host, "/ \t\"'"), *at = end;

		while (at > host && *at != '@')
			at--;
		if (*at == '@')
			memmove(host, at + 1, strlen(at + 1) + 1);
		p = host;
	}
}

char *
last_words(const char *text)
{
	char *copy = xstrdup(text), *rest = NULL, *last = "", *any = "", *words;

	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		plain_line(line);
		line += strspn(line, " \t");
		if (*line != '\0')
			any = line;
		if (*line != '\0' && !is_trailer(line))
			last = line;
	}
	words = format("%.*s", WORDS_MAX, *last ? last : any);
	hide_passwords(words);
	free(copy);
	return words;
}

char *
last_words_in(int fd)
{
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END), from = size > END ? size - END : 0;
	char *text, *words;

	if (size <= 0)
		return xstrdup("");
	text = xmalloc((size_t)(size - from) + 1);
	text[read_at(fd, text, (size_t)(size - from), from) ? size - from : 0] = '\0';
	words = last_words(text);
	free(text);
	return words;
}

char *
command_words(char *const *argv)
{
	const char *second = argv[1] ? argv[1] : "",
		   *third = *second && *second != '-' && argv[2] && *argv[2] != '-' ? argv[2] : "";

	return format("'%s%s%.60s%s%.60s'", argv[0], *second ? " " : "", second, *third ? " " : "", third);
}

const struct program *
program_of(const char *command)
{
	static const struct program programs[] = {
	    {"SMOLVM", "get it from https://github.com/smol-machines/smolvm, or give SMOLVM=<path>"},
	    {"DOCKER", "run `make setup`, or give DOCKER=<path>"},
	};

	for (size_t i = 0; i < LENGTH(programs); i++)
		if (strcmp(setting(programs[i].setting), command) == 0)
			return &programs[i];
	return NULL;
}

long long
free_bytes(const char *folder)
{
	struct statvfs st;

	return statvfs(folder, &st) == 0 ? (long long)(st.f_bavail * st.f_frsize) : -1;
}

long long
used_bytes(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (long long)st.st_blocks * 512 : 0;
}

bool
tells_full_disk(const char *words)
{
	return strstr(words, strerror(ENOSPC)) != NULL || strstr(words, strerror(EDQUOT)) != NULL;
}
