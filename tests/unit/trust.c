/* trust.c - what is this user's alone, and which folders others may change. */
#include <sys/stat.h>
#ifdef __linux__
#include <sys/xattr.h>
#endif

#include "unit.h"

static struct stat
state_of(mode_t mode, uid_t user, gid_t group)
{
	return (struct stat){.st_mode = mode, .st_uid = user, .st_gid = group};
}

static void
entries(void **state)
{
	static const struct {
		mode_t mode;
		bool theirs;
		const char *why; /* NULL: private */
	} cases[] = {
	    {0600, false, NULL},
	    {0755, false, NULL},
	    {0644, false, NULL},
	    {01755, false, NULL},
	    {0664, false, "others may write to it (mode 664)"},
	    {0606, false, "others may write to it (mode 606)"},
	    {01777, false, "others may write to it (mode 777)"},
	    {0600, true, "it belongs to another user (uid"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct stat st = state_of(cases[i].mode, geteuid() + cases[i].theirs, getegid());
		char why[200] = "", *name = format("mode %03o", (unsigned)cases[i].mode);

		same_number(name, is_private(&st, why), cases[i].why == NULL);
		has_text(name, why, cases[i].why ? cases[i].why : "");
		free(name);
	}
}

static void
folders(void **state)
{
	enum { NOBODYS = 54321 }; /* a group that no list knows: who is in it cannot be told */
	static const struct {
		mode_t mode;
		bool open;
	} cases[] = {{0755, false},  {0700, false}, {0777, true},  {0757, true},
		     {01777, false}, {0775, true},  {01775, false}};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct stat st = state_of(cases[i].mode, geteuid(), NOBODYS);
		char *name = format("mode %03o", (unsigned)cases[i].mode);

		same_number(name, others_can_write(".", &st), cases[i].open);
		free(name);
	}
}

#ifdef __linux__
/*
 * One user (1234) who may write: version, then tag, permissions and ID of the owner, the user, the group, the
 * mask and everybody (acl(5), as the kernel keeps it).
 */
static void
access_list(void **state)
{
	static const unsigned char list[] = {
	    2, 0,    0,    0,    0x01, 0,    7,    0, 0xff, 0xff, 0xff, 0xff, 0x02, 0,    7,
	    0, 0xd2, 0x04, 0,    0,    0x04, 0,    5, 0,    0xff, 0xff, 0xff, 0xff, 0x10, 0,
	    7, 0,    0xff, 0xff, 0xff, 0xff, 0x20, 0, 0,    0,    0xff, 0xff, 0xff, 0xff};
	struct stat st;

	(void)state;
	assert_int_equal(mkdir("listed", 0700), 0);
	if (setxattr("listed", "system.posix_acl_access", list, sizeof(list), 0) != 0)
		skip(); /* not on this filesystem */
	assert_int_equal(stat("listed", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0770);
	assert_true(others_can_write("listed", &st));
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(entries),
	    cmocka_unit_test(folders),
#ifdef __linux__
	    cmocka_unit_test(access_list),
#endif
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
