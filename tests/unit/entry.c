/*
 * entry.c - what an entry of a layer is, by its headers: as Go's archive/tar has it, and written and read
 * again.
 */
#include "saved.h"

#include "image/entry.h"

/* What stands before a file named "a" with the owner 7: see put_about. */
struct header_case {
	const char *about[4], *want;
};

/*
 * "x", "g" with PAX records, "L" or "K" with a name: records are separated by '|', their lengths are put in.
 */
static void
put_about(const char *about)
{
	char pax[8192], *copy, *rest, *record;
	size_t used = 0, length;

	if (*about == 'L' || *about == 'K') {
		put_member(*about, "././@LongLink", "", about + 1, strlen(about));
		return;
	}
	copy = rest = xstrdup(about + 1);
	while ((record = strsep(&rest, "|")) != NULL) {
		length = strlen(record) + 3;
		length += length > 998 ? 3 : length > 98 ? 2 : length > 8;
		used += (size_t)snprintf(pax + used, sizeof(pax) - used, "%zu %s\n", length, record);
	}
	put_member(*about, "pax", "", pax, used);
	free(copy);
}

static char text[8192];

static const char *
text_of_entry(const struct entry *e)
{
	size_t used = (size_t)snprintf(text, sizeof(text), "%c %s", e->type, e->path);
#define MORE(...) (used += (size_t)snprintf(text + used, sizeof(text) - used, __VA_ARGS__))

	if (e->type == '1' || e->type == '2')
		MORE(">%s", e->link);
	MORE(" %o %lld:%lld %lld %lld", e->mode, (long long)e->uid, (long long)e->gid, (long long)e->size,
	     (long long)e->seconds);
	if (e->nanoseconds != 0)
		MORE(".%09ld", e->nanoseconds);
	if (e->type == '3' || e->type == '4')
		MORE(" dev=%lld,%lld", (long long)e->major, (long long)e->minor);
	for (size_t i = 0; i < e->xattrs; i++)
		MORE(" %s=%.*s", e->xattr[i].name, (int)e->xattr[i].size, e->xattr[i].value);
	for (size_t i = 0; e->sparse && i < e->pieces; i++)
		MORE(" %lld+%lld", (long long)e->piece[i].offset, (long long)e->piece[i].size);
	return text;
}

/* The only entry of a file, or why there is none. */
static const char *
read_only_entry(const char *path)
{
	struct entry_reader r = {.fd = -1};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	static char why[WHY];
	enum found found;

	*why = '\0';
	entry_reader_at(&r, fd, 0, lseek(fd, 0, SEEK_END));
	found = entry_next(&r, why);
	if (found == ENTRY)
		text_of_entry(&r.entry);
	else
		snprintf(text, sizeof(text), "%s", found == END ? "nothing" : why);
	if (found == ENTRY && entry_next(&r, why) != END)
		snprintf(text, sizeof(text), "more than one: %s", *why ? why : r.entry.path);
	entry_reader_free(&r);
	close(fd);
	return text;
}

/* Written and read again it is the same. */
static void
assert_written(const char *what, const char *want)
{
	struct entry_reader r = {.fd = -1};
	int fd = open("layer.tar", O_RDONLY | O_CLOEXEC);
	char why[WHY], *header;
	size_t size;
	FILE *out;

	entry_reader_at(&r, fd, 0, lseek(fd, 0, SEEK_END));
	assert_int_equal(entry_next(&r, why), ENTRY);
	size = entry_header(&r.entry, &header);
	same_number(what, (long long)size % 512, 0);
	out = fopen("written", "w");
	assert_non_null(out);
	fwrite(header, size, 1, out);
	for (int64_t left = r.stored; left > 0; left -= 512)
		fwrite((char[512]){0}, 512, 1, out);
	fclose(out);
	free(header);
	entry_reader_free(&r);
	close(fd);
	same_text(what, read_only_entry("written"), want);
}

static void
reads(const char *what, const char *want)
{
	same_text(what, read_only_entry("layer.tar"), want);
	if (want[1] == ' ') /* an entry, no message */
		assert_written(what, want);
}

static void
files(void **state)
{
	static const struct header_case cases[] = {
	    {{NULL}, "0 a 644 7:0 1 0"},
	    {{"xpath=\xe3\x82\xa2"}, "0 \xe3\x82\xa2 644 7:0 1 0"},
	    {{"xpath=\xff/\xfe"}, "0 \xff/\xfe 644 7:0 1 0"},
	    {{"xpath=", "xuid=5"}, "0 a 644 5:0 1 0"},
	    {{"xpath=p|path="}, "0 a 644 7:0 1 0"},
	    {{"xpath=p|path=q"}, "0 q 644 7:0 1 0"},
	    {{"xpath=p", "xuid=5"}, "0 a 644 5:0 1 0"}, /* the second takes the place of the first */
	    {{"xpath=p", "gcomment=x"}, "0 a 644 7:0 1 0"},
	    {{"Llong", "gcomment=x"}, "0 a 644 7:0 1 0"},
	    {{"gpath=p|uid=5"}, "0 a 644 7:0 1 0"},
	    {{"Llong"}, "0 long 644 7:0 1 0"},
	    {{"Llong", "xpath=p"}, "0 long 644 7:0 1 0"},
	    {{"xpath=p", "Llong"}, "0 long 644 7:0 1 0"},
	    {{"xhdrcharset=BINARY|path=\xff"}, "0 \xff 644 7:0 1 0"},
	    {{"xuid=4294967294|gid=2147483648"}, "0 a 644 4294967294:2147483648 1 0"},
	    {{"xuid=-5"}, "0 a 644 -5:0 1 0"},
	    {{"xuid=+5|gid=0005"}, "0 a 644 5:5 1 0"},
	    {{"xuid= 5"}, "'a' has a damaged PAX header"},
	    {{"xuid=5x"}, "'a' has a damaged PAX header"},
	    {{"xgid=99999999999999999999"}, "'a' has a damaged PAX header"},
	    {{"xsize=0x1"}, "'a' has a damaged PAX header"},
	    {{"xsize=-1"}, "'a' claims to have -1 bytes"},
	    {{"xsize=999999"}, "the tar archive ends within 'a'"},
	    {{"xmtime=5.25"}, "0 a 644 7:0 1 5.250000000"},
	    {{"xmtime=5."}, "0 a 644 7:0 1 5"},
	    {{"xmtime=1.9999999999"}, "0 a 644 7:0 1 1.999999999"},
	    {{"xmtime=-1.25"}, "0 a 644 7:0 1 -2.750000000"},
	    {{"xmtime=-0.5"}, "0 a 644 7:0 1 -1.500000000"},
	    {{"xmtime=-7"}, "0 a 644 7:0 1 -7"},
	    {{"xmtime=99999999999"}, "0 a 644 7:0 1 99999999999"},
	    {{"xmtime=1e9"}, "'a' has a damaged PAX header"},
	    {{"xmtime=1.-5"}, "'a' has a damaged PAX header"},
	    {{"xatime=x"}, "'a' has a damaged PAX header"},
	    {{"xctime=.5"}, "'a' has a damaged PAX header"},
	    {{"xatime=7.5|ctime=8.5"}, "0 a 644 7:0 1 0"},
	    {{"xSCHILY.xattr.user.a b=1|SCHILY.xattr.user.%41=2|SCHILY.xattr.user.\xc3\xbc=3|SCHILY.xattr.\xff=4"},
	     "0 a 644 7:0 1 0 user.a b=1 user.%41=2 user.\xc3\xbc=3 \xff=4"},
	    {{"xSCHILY.xattr.user.x=y=1\n"}, "0 a 644 7:0 1 0 user.x=y=1\n"},
	    {{"xSCHILY.xattr.x=1|SCHILY.xattr.y=1|SCHILY.xattr.x=2"}, "0 a 644 7:0 1 0 x=2 y=1"},
	    {{"xSCHILY.xattr.x=1|SCHILY.xattr.y=1|SCHILY.xattr.x="}, "0 a 644 7:0 1 0 y=1"},
	    /* what other readers know, and archive/tar does not */
	    {{"xLIBARCHIVE.xattr.user.x=MQ==|LIBARCHIVE.creationtime=5|LIBARCHIVE.symlinktype=dir"},
	     "0 a 644 7:0 1 0"},
	    {{"xSCHILY.acl.access=user::rwx,group::rwx,other::rwx,mask::rwx,user:5:r--"}, "0 a 644 7:0 1 0"},
	    {{"xSCHILY.acl.access=nonsense|SCHILY.acl.default=x|SCHILY.acl.ace=x"}, "0 a 644 7:0 1 0"},
	    {{"xSCHILY.fflags=uchg|SCHILY.realsize=5|SCHILY.nlink=2|SCHILY.ino=1"}, "0 a 644 7:0 1 0"},
	    {{"xSCHILY.dev=5|SCHILY.devmajor=9|SCHILY.devminor=8"}, "0 a 644 7:0 1 0"},
	    {{"xRHT.security.selinux=x|MSWINDOWS.rawsd=AAAA|mode=0777|comment=x"}, "0 a 644 7:0 1 0"},
	    {{"xuname=\xff|gname=\xc3\xbc"}, "0 a 644 7:0 1 0"},
	    {{"xGNU.sparse.major=2|GNU.sparse.minor=0|GNU.sparse.name=n|GNU.sparse.realsize=9"},
	     "0 a 644 7:0 1 0"},
	    {{"xGNU.sparse.map=3,1|GNU.sparse.numblocks=1|GNU.sparse.size=9|GNU.sparse.name=\xe3\x82\xa2"},
	     "0 \xe3\x82\xa2 644 7:0 9 0 3+1"},
	    {{"xGNU.sparse.offset=3|GNU.sparse.numbytes=1|GNU.sparse.size=9|GNU.sparse.numblocks=1"},
	     "0 a 644 7:0 9 0 3+1"},
	    {{"xGNU.sparse.map=3,1|GNU.sparse.numblocks=2|GNU.sparse.size=9"},
	     "'a' has a damaged map of holes"},
	    {{"xGNU.sparse.map=3|GNU.sparse.numblocks=1|GNU.sparse.size=9"},
	     "'a' has a damaged map of holes"},
	    {{"xGNU.sparse.map=9,1|GNU.sparse.numblocks=1|GNU.sparse.size=9"},
	     "'a' has a damaged map of holes"},
	    {{"xGNU.sparse.map=3,2|GNU.sparse.numblocks=1|GNU.sparse.size=9"},
	     "'a' has a damaged map of holes"},
	    {{"xGNU.sparse.numbytes=1|GNU.sparse.offset=3|GNU.sparse.size=9"},
	     "'a' has a damaged map of holes"},
	    {{"xGNU.sparse.offset=3|GNU.sparse.offset=4|GNU.sparse.size=9"},
	     "'a' has a damaged map of holes"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		begin_archive("layer.tar");
		for (size_t k = 0; k < LENGTH(cases[i].about) && cases[i].about[k] != NULL; k++)
			put_about(cases[i].about[k]);
		owner = 7;
		put_member('0', "a", "", "1", 1);
		owner = 0;
		end_archive();
		reads(cases[i].about[0] != NULL ? cases[i].about[0] : "plain", cases[i].want);
	}
}

/* Links and other types: the header's name is "a", its link's as given. */
static void
types(void **state)
{
	static const struct {
		const char *about, *type, *link, *want;
	} cases[] = {
	    {"xlinkpath=\xe3\x82\xa2", "1", "", "1 a>\xe3\x82\xa2 644 0:0 0 0"},
	    {"xlinkpath=\xe3\x82\xa2", "2", "", "2 a>\xe3\x82\xa2 644 0:0 0 0"},
	    {"xlinkpath=\xff|SCHILY.xattr.trusted.x=1", "2", "x", "2 a>\xff 644 0:0 0 0 trusted.x=1"},
	    {"xlinkpath=", "2", "x", "2 a>x 644 0:0 0 0"},
	    {"K\xe3\x82\xa2", "2", "", "2 a>\xe3\x82\xa2 644 0:0 0 0"},
	    {"K\xe3\x82\xa2", "1", "x", "1 a>\xe3\x82\xa2 644 0:0 0 0"},
	    {"glinkpath=y", "2", "", "'a' is a symbolic link without a target"},
	    {"xuid=0", "2", "", "'a' is a symbolic link without a target"},
	    {"xuid=0", "1", "", "'a' is a hard link without a target"},
	    {"xuid=0", "5", "ignored", "5 a 644 0:0 0 0"},
	    {"xpath=a/", "5", "", "5 a/ 644 0:0 0 0"},
	    {"xpath=a/", "0", "", "0 a/ 644 0:0 0 0"},
	    {"xpath=a/", "", "", "5 a/ 644 0:0 0 0"},
	    {"xuid=0", "", "", "0 a 644 0:0 0 0"},
	    {"xuid=0", "6", "", "6 a 644 0:0 0 0"},
	    {"xSCHILY.devmajor=9", "3", "", "3 a 644 0:0 0 0 dev=0,0"},
	    {"xuid=0", "7", "", "'a' is of a type that no engine extracts: 55"},
	    {"xuid=0", "D", "", "'a' is of a type that no engine extracts: 68"},
	    {"xuid=0", "M", "", "'a' is of a type that no engine extracts: 77"},
	    {"xuid=0", "V", "", "'a' is of a type that no engine extracts: 86"},
	    {"xuid=0", "X", "", "'a' is of a type that no engine extracts: 88"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		begin_archive("layer.tar");
		put_about(cases[i].about);
		put_member(*cases[i].type, "a", cases[i].link, NULL, 0);
		end_archive();
		reads(cases[i].about, cases[i].want);
	}
}

/* Records that are none, as bytes. */
static void
damaged(void **state)
{
	static const char *const pax[] = {
	    "9 path=aX", "99 path=a\n", "8 pathXX\n", "xx path=a\n", "9  path=a\n",
	    "5 =ab\n",   "-9 path=a\n", "1 path=a\n", "9\tpath=a\n", "18446744073709551616 a=b\n"};
	static const struct {
		const char *pax;
		size_t size;
	} with_nul[] = {{"12 path=a\0b\n", 12}, {"12 a\0bc=def\n", 12}, {"14 linkpath=\0\n", 14}};

	(void)state;
	for (size_t i = 0; i < LENGTH(pax); i++) {
		begin_archive("layer.tar");
		put_member('x', "pax", "", pax[i], strlen(pax[i]));
		put_member('0', "a", "", "", 0);
		end_archive();
		same_text(pax[i], read_only_entry("layer.tar"), "damaged PAX header");
	}
	for (size_t i = 0; i < LENGTH(with_nul); i++) {
		begin_archive("layer.tar");
		put_member('x', "pax", "", with_nul[i].pax, with_nul[i].size);
		put_member('0', "a", "", "", 0);
		end_archive();
		same_text(with_nul[i].pax, read_only_entry("layer.tar"), "damaged PAX header");
	}
	begin_archive("layer.tar");
	put_member_claiming('x', "pax", "", "", 0, (1 << 20) + 1);
	end_archive();
	same_text("large", read_only_entry("layer.tar"), "an extended header of 1048577 bytes");
}

/* Numbers and names that a header's fields have no room for go out in another way, and come back. */
static void
round_trip(void **state)
{
	char long_name[300], want[1024], *header;
	struct entry e = {.type = '3', .link = NULL, .mode = 07777, .uid = 4294967294, .gid = 2097152};
	size_t size;
	FILE *out;

	(void)state;
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	e.path = long_name;
	e.major = 3000000;
	e.minor = 4294967295;
	e.seconds = -1;
	e.nanoseconds = 1;
	e.xattr = &(struct xattr){"user.x", "a\0\n=", 4};
	e.xattrs = 1;
	size = entry_header(&e, &header);
	out = fopen("written", "w");
	assert_non_null(out);
	fwrite(header, size, 1, out);
	fclose(out);
	free(header);
	snprintf(want, sizeof(want), "%s", text_of_entry(&e));
	same_text("round trip", read_only_entry("written"), want);
}

/* The end of an archive: two blocks of zeros, or none; what follows them is no entry. One alone is damage. */
static void
ends(void **state)
{
	static const struct {
		const char *what; /* a an entry, 0 a block of zeros, j one of junk */
		const char *want;
	} cases[] = {
	    {"", "nothing"},
	    {"0", "nothing"},
	    {"00", "nothing"},
	    {"00a", "nothing"},
	    {"a", "0 a 644 0:0 0 0"},
	    {"a0", "0 a 644 0:0 0 0"},
	    {"a00j", "0 a 644 0:0 0 0"},
	    {"a0a", "more than one: damaged tar header at byte 1536"},
	    {"aj", "more than one: damaged tar header at byte 1024"},
	};
	static const char zeros[512];
	char junk[512];

	(void)state;
	memset(junk, 'j', sizeof(junk));
	for (size_t i = 0; i < LENGTH(cases); i++) {
		begin_archive("layer.tar");
		for (const char *p = cases[i].what; *p != '\0'; p++)
			if (*p == 'a')
				put_member('0', "a", "", "", 0);
			else
				fwrite(*p == '0' ? zeros : junk, 512, 1, saved);
		assert_int_equal(fclose(saved), 0);
		same_text(cases[i].what, read_only_entry("layer.tar"), cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files),      cmocka_unit_test(types), cmocka_unit_test(damaged),
	    cmocka_unit_test(round_trip), cmocka_unit_test(ends),
	};

	return RUN_TESTS(tests);
}
