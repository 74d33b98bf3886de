/*
 * lib.h - what two or more helpers need, one .c file a concern.
 *
 * Exit codes of every helper: 0 yes; 1 a clean "no"; 100 called wrongly;
 * 111 could not find out; 124 a deadline passed; 126/127 the command could not
 * be started; 128+n the command died of signal n.
 */
#ifndef LIB_H
#define LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

enum { EXIT_NO = 1, EXIT_USAGE = 100, EXIT_SYSTEM = 111, EXIT_DEADLINE = 124 };

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

/*
 * msg.c: one write a message; control bytes become '?'. set_progname is to be called first: with it the
 * standard files are open, and an answer on stdout that cannot be written ends the program with EXIT_SYSTEM.
 */
void set_progname(const char *name);
void say(const char *fmt, ...) PRINTF(1, 2);
void say_line(const char *fmt, ...) PRINTF(1, 2);
void complain(const char *fmt, ...) PRINTF(1, 2);
void step_line(const char *verb, const char *fmt, ...) PRINTF(2, 3);
_Noreturn void die(int code, const char *fmt, ...) PRINTF(2, 3);
_Noreturn void die_errno(int code, const char *fmt, ...) PRINTF(2, 3);
_Noreturn void refuse(const char *fmt, ...) PRINTF(1, 2);
_Noreturn void bad_usage(const char *usage);
_Noreturn void show_usage(const char *usage);

/* text.c: memory that never fails, checked numbers, the environment. */
void *xmalloc(size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *format(const char *fmt, ...) PRINTF(1, 2);
long long number(const char *what, const char *text, long long min, long long max);
unsigned seconds_of(const char *what, const char *text);
long long mebibytes_of(const char *what, const char *text, long long min, long long max);
const char *setting(const char *name);
const char *needed(const char *name);

/* A growing list of strings, always NULL-terminated: an argument vector. */
struct list {
	char **at;
	size_t count, room;
};
void list_add(struct list *l, const char *s);
void list_addf(struct list *l, const char *fmt, ...) PRINTF(2, 3);
void list_free(struct list *l);
bool list_has(const struct list *l, const char *s);
const char *value_of(const struct list *settings, const char *name);

/* clock.c: milliseconds of a clock that nobody sets, and that stands still while we are stopped (job.c). */
int64_t now_ms(void);

/* trust.c: what others could have written is nobody's to use. */
bool folder_is_open(const char *path, const struct stat *st);
bool is_private(const struct stat *st, char why[200]);

/* file.c */
char *read_text(const char *path, size_t max, size_t *size);
char *read_private(int folder, const char *path, size_t max);
char *first_line(const char *path);
int temporary_file(const char *path, char **name, mode_t mode);
bool try_file(const char *path, const void *bytes, size_t size, mode_t mode);
void write_file(const char *path, const void *bytes, size_t size, mode_t mode);
bool write_if_changed(const char *path, const char *text);
void append_line(const char *path, const char *text);
int make_folders(const char *path, mode_t mode);
int sync_path(const char *path);
char *stat_text(const struct stat *st);
int remove_tree(const char *path);
bool read_request(const char *path, struct list *out);
bool try_request(const char *path, const struct list *l);
void write_request(const char *path, const struct list *l);

/* proc.c: foreign programs under a deadline. */
struct command {
	char *const *argv;
	char *const *environment; /* of the child alone, in addition: K=V, NULL-ended; or NULL */
	const char *dir;          /* working folder of the child, or NULL */
	int in, out, err;         /* descriptors; 0, 1 and 2 are the caller's own; -1 is /dev/null */
	unsigned timeout;         /* seconds; 0 is none */
	bool foreign;             /* own process group, no descriptor above 2, SIGKILL when we die */
	bool group; /* own process group, and nothing else of that: for a tree of our own programs */
	void (*watch)(void *watch_arg); /* called while it runs, about every 200 ms; or NULL */
	void *watch_arg;
};
struct outcome {
	int code;  /* as the exit codes above */
	int signo; /* the signal that ended it, or 0 */
	bool timed_out;
	int error; /* errno where it could not be started, else 0 */
	int64_t ms;
};
void supervise(void);
int caught_signal(void);
void end_as_caught(void);
bool shield(bool on);
pid_t start_command(const struct command *c);
bool poll_command(pid_t pid, struct outcome *o);
void pause_for(int fd, int64_t ms);
struct outcome wait_command(pid_t pid, const struct command *c);
void end_command(pid_t pid, const struct command *c);
void kill_command(pid_t pid);
struct outcome run_command(const struct command *c);
struct outcome try_command(const struct command *c);
char *start_trouble(const struct command *c, int error);
unsigned seconds_setting(const char *name, unsigned fallback);

/* capture.c: what a foreign program prints. */
struct capture {
	/* private */
	struct command command;
	FILE *printed, *said;
	pid_t pid;
	int error; /* why it could not be started */
};
void capture_start(struct capture *c, char *const *argv, char *const *environment, unsigned timeout);
struct outcome capture_end(struct capture *c, char **out, char **err);
struct outcome capture(char *const *argv, unsigned timeout, char **out, char **err);
struct outcome capture_with(char *const *argv, char *const *environment, unsigned timeout, char **out,
			    char **err);

/* descriptors.c */
void fill_standard_descriptors(void);
long allow_descriptors(void);
void give_back_descriptors(void);
long spare_descriptors(long limit);
const char *error_text(int code);

/* stand.c: relative paths of settings. */
void make_changes(char *const *argv, struct list *folders);
char *standing_folder(const char *pwd);
void make_absolute(const char *name, const char *from, bool program);

/* step.c: a stage of the pipeline: a command, its log, its seconds. */
struct step {
	const char *stage;   /* name in the record, or NULL */
	const char *seconds; /* file that gets "stage ms", or NULL */
	const char *log;     /* file for the output, or NULL: it goes to stderr */
	const char *prefix;  /* before each line that is shown, or NULL */
	const char *output;  /* the file that its standard output is, or NULL */
	const char *images;  /* slugs or keys that fail with it, blank-separated, or NULL (failure.h) */
	const char *limit;   /* the setting that its deadline is from, or NULL */
};
struct outcome run_step(const struct step *s, const struct command *c);

/* run.c: where a helper of a run is, and the programs of PATH. */
int operands(int argc, char **argv, const char *usage);
void enter_cache(void);
bool is_in_cache(const char *path);
char *run_file(const char *name, const char *kind);
void read_settings(const char *name, struct list *out);
char *find_program(const char *name);
char *sibling_program(const char *program,
		      const char *name); /* beside program, our own argv[0]; the caller frees it */

/* owner.c: whose a thing is: "<boot id>-<pid namespace>-<pid>-<start time>". */
char *own_name(void);
char *owner_name(long pid);
enum alive { DEAD, ALIVE, UNKNOWN };
enum alive owner_state(const char *name);
long owner_pid(const char *name);
bool owner_is_of_other_boot(const char *name);

/* claim.c: the lock by which a folder's owner shows for its life that it lives. */
void claim_folder(const char *folder);
enum alive claim_state(const char *owner, int folder);

/* strays.c: processes of a run whose owner is dead. */
void kill_strays(const char *leader, const char *cache, const char *run);

/* lock.c: flock(2) on files that are never unlinked. */
int lock_try(const char *path);
void lock_sign(int fd, const char *text);
char *lock_holder(const char *path);

/* id.c, digest.c: image IDs, and the SHA-256 that they are made of. */
enum { SHA256_HEX = 64, ID16 = 16 };
bool parse_image_id(const char *text, char hex[SHA256_HEX + 1]);
void sha256_hex(const void *bytes, size_t size, char hex[SHA256_HEX + 1]);
bool sha256_file(const char *path, char hex[SHA256_HEX + 1]);

/* reference.c: image references as the engines read them. */
struct reference {
	char name[256]; /* domain and path, without tag; "docker.io/library/" left out */
	char path[256]; /* the repository path alone */
	char tag[129];  /* "latest" where none is given */
	bool is_id;     /* it is sha256:<64 hex>: no name, path "image" */
};
bool parse_reference(const char *text, struct reference *r);

/* platform.c: OS/ARCH[/VARIANT] in containerd's spelling; NULL for what is none. The caller frees it. */
char *platform_of(const char *os, const char *arch, const char *variant);
char *parse_platform(const char *text);

/* port.c */
int parse_port(const char *text);
char *registry_address(int port);
bool port_hold(int port, int *fd);

/* ready.c */
struct probe {
	const char *url;
	const char *header, *value; /* that a good answer must carry, or NULL */
	unsigned timeout;           /* seconds */
};
bool wait_ready(const struct probe *p, bool (*gone)(void *), void *arg, char why[200]);

#endif
