/*
 * record.c - what .store/<hex> is, in .store/<hex>.record: K=V strings.
 *
 * SUM is of all that a later reader cannot find out from the layer alone, its name included: a record that
 * was damaged, or is another layer's, is none. SEEN, which is last and changes by itself, is what the file
 * was like when all of it was read, and in which boot.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry/record.h"

static const char *const coding_name[] = {
    [PLAIN] = "plain", [GZIP] = "gzip", [ZSTD] = "zstd", [FRAMES] = "frames", [BEGINNING] = "beginning"};

char *
store_path(const char *digest, const char *suffix)
{
	return format(STORE "/%s%s", digest_digits(digest), suffix);
}

char *
record_seen(const struct stat *st)
{
	char *owner = own_name(), *is = stat_text(st), *text = format("%.12s %s", owner, is);

	free(owner);
	free(is);
	return text;
}

static bool
parse_bytes(const char *text, uint64_t *n)
{
	*n = strtoull(text, NULL, 10);
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static bool
parse_name(const char *text, enum coding *coding)
{
	for (size_t i = 0; i < LENGTH(coding_name); i++)
		if (strcmp(text, coding_name[i]) == 0) {
			*coding = (enum coding)i;
			return true;
		}
	return false;
}

bool
read_own(const char *path, struct list *l)
{
	char why[200];
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && is_private(&st, why) && read_request(path, l);
}

/* Of the settings before SUM, in the order that they are written in, and of the name that they are for. */
static void
sum_of(const struct kept *k, const struct list *l, char sum[SHA256_HEX + 1])
{
	char *text = format("%s\n", k->pushed);

	for (size_t i = 0; i < l->count && strncmp(l->at[i], "SUM=", 4) != 0; i++) {
		char *longer = format("%s%s\n", text, l->at[i]);

		free(text);
		text = longer;
	}
	sha256_hex(text, strlen(text), sum);
	free(text);
}

bool
record_read(const char *pushed, struct kept *k, char **seen)
{
	char *path = store_path(pushed, RECORD), sum[SHA256_HEX + 1] = "";
	struct list l = {0};
	bool good;

	*k = (struct kept){.fd = -1};
	memcpy(k->pushed, pushed, DIGEST);
	good = read_own(path, &l) && parse_digest(value_of(&l, "DIGEST"), k->digest) &&
	       parse_digest(value_of(&l, "DIFF_ID"), k->diff_id) &&
	       parse_bytes(value_of(&l, "SENT"), &k->sent) && parse_bytes(value_of(&l, "PLAIN"), &k->plain) &&
	       parse_bytes(value_of(&l, "SIZE"), &k->size) && parse_name(value_of(&l, "CODING"), &k->coding);
	if (good)
		sum_of(k, &l, sum);
	good = good && strcmp(value_of(&l, "SUM"), sum) == 0;
	*seen = xstrdup(value_of(&l, "SEEN"));
	list_free(&l);
	free(path);
	return good;
}

bool
record_write(const struct kept *k, const struct stat *st)
{
	char *path = store_path(k->pushed, RECORD), *seen = record_seen(st), sum[SHA256_HEX + 1];
	struct list l = {0};
	bool good;

	list_addf(&l, "DIGEST=%s", k->digest);
	list_addf(&l, "DIFF_ID=%s", k->diff_id);
	list_addf(&l, "SENT=%llu", (unsigned long long)k->sent);
	list_addf(&l, "PLAIN=%llu", (unsigned long long)k->plain);
	list_addf(&l, "SIZE=%llu", (unsigned long long)k->size);
	list_addf(&l, "CODING=%s", coding_name[k->coding]);
	sum_of(k, &l, sum);
	list_addf(&l, "SUM=%s", sum);
	list_addf(&l, "SEEN=%s", seen);
	good = try_request(path, &l);
	list_free(&l);
	free(seen);
	free(path);
	return good;
}

/* --- What is remembered beside the layers */

static char *
last_path(const char *repository)
{
	char hex[SHA256_HEX + 1];

	sha256_hex(repository, strlen(repository), hex);
	return format(STORE "/%s" LAST, hex);
}

/* False where no image of this repository was ever missed. */
bool
store_last(const char *repository, struct list *diff_ids)
{
	char *path = last_path(repository);
	bool good = read_own(path, diff_ids);

	free(path);
	return good;
}

void
store_set_last(const char *repository, const struct list *diff_ids)
{
	char *path = last_path(repository);

	try_request(path, diff_ids);
	free(path);
}

int
store_port(void)
{
	char *text = first_line(STORE "/port");
	int port = text && strspn(text, "0123456789") == strlen(text) ? (int)strtol(text, NULL, 10) : 0;

	free(text);
	return port > 0 && port < 65536 ? port : 0;
}

void
store_set_port(int port)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", port);
	try_file(STORE "/port", text, strlen(text), 0600);
}
