/* What a registry's client asks for: a target is made of harmless characters, a range lies inside. */
#include "fuzz.h"

#include "registry/request.h"

#define DIGEST_TEXT "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
check_route(const char *path)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:";
	struct target r;

	parse_target(path, &r);
	if (r.kind == NOWHERE || r.kind == ROOT)
		return;
	if (r.kind == UPLOADS) {
		must(*r.name != '\0' && *r.reference == '\0' && r.name[strspn(r.name, good)] == '\0');
		return;
	}
	must(*r.name != '\0' && strlen(r.name) < sizeof(r.name) && r.name[strspn(r.name, good)] == '\0');
	must(*r.reference != '\0' && strlen(r.reference) < sizeof(r.reference));
	must(r.reference[strspn(r.reference, good)] == '\0' && strchr(r.reference, '/') == NULL);
	must(r.by_digest == is_digest(r.reference));
	must(strstr(path, r.name) != NULL && strstr(path, r.reference) != NULL);
}

static void
check_range(const char *value, uint64_t size)
{
	struct range r;

	parse_range(value, size, &r);
	if (r.kind == RANGE_WHOLE)
		must(r.first == 0 && r.count == size);
	else if (r.kind == RANGE_PART)
		must(r.count > 0 && r.count <= size && r.first <= size - r.count);
	else
		must(r.first == 0 && r.count == 0);
}

/* What a push says of itself: a piece lies where it says, a digest is one. */
static void
check_push(const char *value)
{
	char digest[DIGEST];
	uint64_t first, count;

	if (parse_span(value, &first, &count))
		must(count > 0 && first <= UINT64_MAX - (count - 1));
	if (digest_parameter(value, digest))
		must(strlen(digest) == sizeof(digest) - 1 && is_digest(digest));
	parse_length(value);
}

/*
 * A path, a range of ten bytes, a range of all that 64 bits can count, an entity tag, a piece or digest of a
 * push: by the first byte.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = text_of(bytes + (size > 0), size - (size > 0));

	switch (size > 0 ? bytes[0] : 0) {
	case 'r':
		check_range(text, 10);
		break;
	case 'R':
		check_range(text, UINT64_MAX);
		break;
	case 'p':
		check_push(text);
		break;
	case 't':
		names_etag(text, DIGEST_TEXT);
		break;
	default:
		check_route(text);
	}
	free(text);
	return 0;
}
