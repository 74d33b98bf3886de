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

/* Called by die and refuse with what they say, before the end; NULL: nothing. */
void set_on_death(void (*f)(int code, const char *reason));

/* A note to the user, who goes on: "prog: text". */
void say(const char *fmt, ...) PRINTF(1, 2);

/* A line with nothing in front. */
void say_line(const char *fmt, ...) PRINTF(1, 2);

/* A failure to be told, where the caller goes on: "error: THING: what is wrong; remedy". */
void complain(const char *fmt, ...) PRINTF(1, 2);

/* A real step: "  VERB    text"; silent under make -s. */
void step_line(const char *verb, const char *fmt, ...) PRINTF(2, 3);

/* "prog: text", and the end with this status. */
_Noreturn void die(int code, const char *fmt, ...) PRINTF(2, 3);

/* The same with what errno says behind the text. */
_Noreturn void die_errno(int code, const char *fmt, ...) PRINTF(2, 3);

/* The user asked for what cannot be: "error: THING: what is wrong; remedy". Exit 1. */
_Noreturn void refuse(const char *fmt, ...) PRINTF(1, 2);

/* The usage on stderr, and exit 100. */
_Noreturn void bad_usage(const char *usage);

/* The usage on stdout, and exit 0 (-h). */
_Noreturn void show_usage(const char *usage);

/* text.c: memory that never fails (the program ends instead), checked numbers, the environment. */

/* Uninitialised. */
void *xmalloc(size_t size);

void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);

bool ends_with(const char *s, const char *end);

/* Where the part behind the last slash begins; all of it where there is none. */
const char *base_name(const char *path);

/* As sprintf, into memory of its own: the caller frees it. */
char *format(const char *fmt, ...) PRINTF(1, 2);

/*
 * A decimal from min to max; anything else is an error that names what it is for:
 * an option ("-t", exit 100) or a setting of the user's (exit 1).
 */
long long number(const char *what, const char *text, long long min, long long max);

/* Seconds: "90", "90s", "30m", "1h", "1d". */
unsigned seconds_of(const char *what, const char *text);

/* MiB: "2048", "2048M", "2G", "2GiB". A GB is another thing than a GiB, and none of these. */
long long mebibytes_of(const char *what, const char *text, long long min, long long max);

/* The value of an environment variable, "" where it is unset. */
const char *setting(const char *name);

/* The value of one that the Makefile always sets: where it is unset, the program says so and ends. */
const char *needed(const char *name);

/* A growing list of strings, always NULL-terminated: an argument vector. */
struct list {
	char **at;
	size_t count, room;
};

/* Adds a copy of s. */
void list_add(struct list *l, const char *s);

/* Adds what format() makes. */
void list_addf(struct list *l, const char *fmt, ...) PRINTF(2, 3);

/* Frees the strings; the list is empty then, and may be used again. */
void list_free(struct list *l);

/* All of them, with that between each two; "" of none. The caller frees it. */
char *list_join(const struct list *l, const char *between);

/* "1.2 MB", "518 MB", "12.5 GB": bytes for people, who say three digits. The caller frees it. */
char *bytes_text(uint64_t bytes);

/* Whether a string of the list equals s. */
bool list_has(const struct list *l, const char *s);

/* The value of NAME in K=V settings, "" where there is none. */
const char *value_of(const struct list *settings, const char *name);

/* clock.c: milliseconds of a clock that nobody sets, and that stands still while we are stopped (job.c). */
int64_t now_ms(void);

/* trust.c: what others could have written is nobody's to use. */

/*
 * Whether others may replace what is in this folder. Many systems give each user a group of their own, which
 * may write what they make.
 */
bool others_can_write(const char *path, const struct stat *st);

/* True for what belongs to this user, and what nobody else may write to; otherwise why says what is wrong. */
bool is_private(const struct stat *st, char why[200]);

/* file.c */

/*
 * The whole of a small file, with a NUL behind it; NULL where it cannot be
 * opened. More than max bytes are an error (EFBIG): nothing here grows with
 * what it is given. The caller frees it.
 */
char *read_text(const char *path, size_t max, size_t *size);

/*
 * The content of a file of the cache, path relative to the folder (or AT_FDCWD): NULL, with ELOOP, EINVAL or
 * EPERM, also for what is no regular file, and for what others own or may write to. The caller frees it.
 */
char *read_private(int folder, const char *path, size_t max);

/* The first line of a file without its newline, or NULL. The caller frees it. */
char *first_line(const char *path);

/*
 * A new file to be renamed to path: open for writing, under a name that nobody can know before it is there.
 * It is in the run's folder where path is in the same cache, so that it goes with the run whatever ends that;
 * else beside path. -1 and errno where it cannot be made. The caller frees *name, which is set in any case.
 */
int temporary_file(const char *path, char **name, mode_t mode);

/* The file appears whole under its name, by rename; false, with errno, where it does not. */
bool try_file(const char *path, const void *bytes, size_t size, mode_t mode);

/* As try_file; where it cannot be, the program ends. */
void write_file(const char *path, const void *bytes, size_t size, mode_t mode);

/* True where the file did not hold exactly this text before. */
bool write_if_changed(const char *path, const char *text);

/* One write, so that lines of several processes do not mix. */
void append_line(const char *path, const char *text);

/*
 * mkdir -p; only the last folder gets mode, those above it the user's usual one. -1 and errno where it fails.
 */
int make_folders(const char *path, mode_t mode);

/* Adds the names of what is in a folder, in no order; none where it cannot be read. */
void list_folder(const char *path, struct list *names);

/* fsync of a file or folder by name; -1 and errno where it fails. */
int sync_path(const char *path);

/* Tells a file from every other, and from itself after a change. The caller frees it. */
char *stat_text(const struct stat *st);

/* rm -rf that follows no link; -1 and errno where something stays. */
int remove_tree(const char *path);

/* A request is a file of NUL-ended strings: values of any bytes, never a shell's text. */
bool read_request(const char *path, struct list *out);

/* False, with errno, where it cannot be written. */
bool try_request(const char *path, const struct list *l);

/* As try_request; where it cannot be written, the program ends. */
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

/*
 * To be called once, first thing: from here on fatal signals are noted, not
 * obeyed, and the death of the parent is SIGTERM (on macOS it is noticed within
 * a second, by pause_for). What nohup or a shell's & have ignored stays ignored.
 */
void supervise(void);

/* The fatal signal that has come since supervise, or 0. */
int caught_signal(void);

/* Dies of the signal that was caught, so that make and the shell see the truth. */
void end_as_caught(void);

/*
 * While shielded, a caught signal no longer ends the commands that are waited for: cleaning up has its own
 * deadlines, and must not be cut short by what made it necessary. Returns what was so before.
 */
bool shield(bool on);

/* The child's pid; -1 and errno where it could not be started (no program, no folder). */
pid_t start_command(const struct command *c);

/* True where the child has ended; o then says how (but for ms). */
bool poll_command(pid_t pid, struct outcome *o);

/* Waits for fd (or -1) to be readable, a signal, a child's end, or ms milliseconds (-1: none of ours). */
void pause_for(int fd, int64_t ms);

/* Waits for the end, or makes one at the deadline or after a signal. */
struct outcome wait_command(pid_t pid, const struct command *c);

/*
 * SIGTERM, and SIGKILL to the whole group after the grace that it had to clean up. One
 * of our own has deadlines of its own: a single one is waited for, and a tree of them
 * (whose shells die at once, before what they started) until all of it is gone.
 */
void end_command(pid_t pid, const struct command *c);

/* A group that has nothing to clean up. */
void kill_command(pid_t pid);

/* As try_command, and says on stderr why it could not be started. */
struct outcome run_command(const struct command *c);

/* Starts and waits; where it could not be started, error says why. */
struct outcome try_command(const struct command *c);

/* Why a command could not be started. The caller frees it. */
char *start_trouble(const struct command *c, int error);

/* A deadline from the environment; 0 is none. */
unsigned seconds_setting(const char *name, unsigned fallback);

/* capture.c: what a foreign program prints. */
struct capture {
	/* private */
	struct command command;
	FILE *printed, *said;
	pid_t pid;
	int error; /* why it could not be started */
};

/* Starts argv, with more in its environment (or NULL); both must outlive it. timeout: seconds, 0 is none. */
void capture_start(struct capture *c, char *const *argv, char *const *environment, unsigned timeout);

/*
 * Waits, and keeps what was printed: 64 MiB at most, more is a failure. The caller frees *out and *err, never
 * NULL. After a failure *err is never empty: what the program said, or how it ended.
 */
struct outcome capture_end(struct capture *c, char **out, char **err);

/* As capture_with, without an environment. */
struct outcome capture(char *const *argv, unsigned timeout, char **out, char **err);

/* capture_start and capture_end in one. */
struct outcome capture_with(char *const *argv, char *const *environment, unsigned timeout, char **out,
			    char **err);

/* descriptors.c */

/*
 * Where 0, 1 or 2 is closed, the next file that is opened would get its number, and what is meant for the
 * user would be written into it. Of a closed input nothing can be read, a closed output takes nothing (that
 * is an error, and the answer is lost), and who closed stderr wants to hear nothing.
 */
void fill_standard_descriptors(void);

/*
 * As many as may be, and that makes sense; the commands that are run get what we had. Returns how many that
 * is.
 */
long allow_descriptors(void);

/* In a child, before exec: programs that walk through all descriptors take the limit for their number. */
void give_back_descriptors(void);

/* How many more of limit can be opened. */
long spare_descriptors(long limit);

/* strerror, with the remedy where there is one. */
const char *error_text(int code);

/* stand.c: relative paths of settings. */

/*
 * The folders that a make's arguments change to, one after the other: -C DIR in each form that getopt_long(3)
 * takes.
 */
void make_changes(char *const *argv, struct list *folders);

/*
 * The folder that the make that is our parent was called from, which had this PWD; the working folder where
 * it was called there, or where from cannot be known. The caller frees it.
 */
char *standing_folder(const char *pwd);

/*
 * The setting, which is a path, becomes absolute; program: a name without a slash is looked up in PATH, and
 * stays.
 */
void make_absolute(const char *name, const char *from, bool program);

/* run.c: where a helper of a run is, and the programs of PATH. */

/* The options of a program that has none but -h: where its operands begin. */
int operands(int argc, char **argv, const char *usage);

/* CACHE_DIR becomes the working folder. */
void enter_cache(void);

/* Whether a path is below CACHE_DIR: an absolute one, or a relative one while that is the working folder. */
bool is_in_cache(const char *path);

/*
 * The path of a program by its name or path, as a shell finds it; NULL where there is none. The caller frees
 * it.
 */
char *find_program(const char *name);

char *sibling_program(const char *program,
		      const char *name); /* beside program, our own argv[0]; the caller frees it */

/* owner.c: whose a thing is: "<boot id>-<pid namespace>-<pid>-<start time>". */

/* The name of this process. The caller frees it. */
char *own_name(void);

/*
 * The name of a process as an owner; one that is gone has no start time, and its name is never alive. The
 * caller frees it.
 */
char *owner_name(long pid);

enum alive { DEAD, ALIVE, UNKNOWN };

/*
 * DEAD only where that is certain: an owner in another PID namespace is not judged, nor is one of another
 * boot, which can be another machine's on the same file server. claim.c can tell more of a folder's.
 */
enum alive owner_state(const char *name);

/* The number of a process of this boot and namespace, dead or alive; 0 for any other name. */
long owner_pid(const char *name);

/* Whether a name is an owner's, and of another boot than this. */
bool owner_is_of_other_boot(const char *name);

/* claim.c: the lock by which a folder's owner shows for its life that it lives. */
#define CLAIM_FILE "claim"

/*
 * The lock is this process's, and that of all of ours that it starts: it is free when the last of them is
 * gone. Where the file system has no locks the folder is not claimed, and its death can be seen on this boot
 * only.
 */
void claim_folder(const char *folder);

/*
 * What the claim in an open folder says of the owner that the folder is named after: ALIVE while somebody has
 * it. DEAD where it was this machine's in an earlier boot, and nobody has it.
 */
enum alive claim_state(const char *owner, int folder);

/* strays.c: processes of a run whose owner is dead. */

/*
 * Kills what is left of the group that leader, an owner's name, led for the run of that folder in that cache.
 * A leader of another boot or PID namespace led no group of this one.
 */
void kill_strays(const char *leader, const char *cache, const char *run);

/* lock.c: flock(2) on files that are never unlinked. */

/* The lock's descriptor, or -1 while somebody else has it. Any other trouble ends the program. */
int lock_try(const char *path);

/* Leaves word of who holds it, for those who wait; a full disk is no reason to fail. */
void lock_sign(int fd, const char *text);

/* What the holder left, "somebody" where that is nothing. The caller frees it. */
char *lock_holder(const char *path);

/*
 * id.c, digest.c: digests, and the SHA-256 that they are made of. A digest is "sha256:<64 hex in lower case>"
 * and nothing else, as in the OCI image specification, "Digests"; its hex alone names files and keys.
 */
#define DIGEST_PREFIX "sha256:"
enum { SHA256_HEX = 64, ID16 = 16, DIGEST = sizeof(DIGEST_PREFIX) + SHA256_HEX };

/* NULL is none. */
bool is_digest(const char *text);
bool parse_digest(const char *text, char digest[DIGEST]);

/* The digest of 64 hex digits that after stands behind, and nothing more: ".json", "". */
bool digest_of_hex(const char *hex, const char *after, char digest[DIGEST]);

/* The digits of a digest, where they stand; a text without the prefix is all digits already (podman's IDs). */
const char *digest_digits(const char *id);

/*
 * A digest, then only white space (docker's classic builder ends its iidfile with a newline): hex gets its
 * digits. A bare hex string is refused: it could be somebody's repository name.
 */
bool digest_hex(const char *text, char hex[SHA256_HEX + 1]);

/* Random bytes that nobody can guess, two digits each, and a NUL. */
void random_hex(size_t size, char *hex);

/* The SHA-256 of bytes, as a digest and in hex. */
void digest_bytes(const void *bytes, size_t size, char digest[DIGEST]);
void sha256_hex(const void *bytes, size_t size, char hex[SHA256_HEX + 1]);

/*
 * The digest of the first size bytes of a file, of all for UINT64_MAX; false, with errno, where it cannot be
 * read, or is shorter. The place where others read on is left alone.
 */
bool digest_file(int fd, uint64_t size, char digest[DIGEST]);

/* False, with errno, where the file cannot be read. */
bool sha256_file(const char *path, char hex[SHA256_HEX + 1]);

/* The SHA-256 of what comes piece by piece. hash_end may be called once; hash_free takes NULL. */
struct hash;
struct hash *hash_new(void);
void hash_update(struct hash *h, const void *bytes, size_t size);
void hash_end(struct hash *h, char digest[DIGEST]);
void hash_free(struct hash *h);

/*
 * What has been hashed so far, for another digest to go on from there: of whole blocks of 64 bytes only, else false. hash_resume: h
 * becomes that, whatever it was.
 */
enum { HASH_STATE = 40 };
bool hash_save(const struct hash *h, unsigned char state[HASH_STATE]);
void hash_resume(struct hash *h, const unsigned char state[HASH_STATE]);

/* reference.c: image references as the engines read them. */
struct reference {
	char name[256]; /* domain and path, without tag; "docker.io/library/" left out */
	char path[256]; /* the repository path alone */
	char tag[129];  /* "latest" where none is given */
	bool is_id;     /* it is sha256:<64 hex>: no name, path "image" */
};

/* False where text is not a reference to an image of this engine. */
bool parse_reference(const char *text, struct reference *r);

/* platform.c: OS/ARCH[/VARIANT] in containerd's spelling; NULL for what is none. The caller frees it. */

/*
 * The platform in its one spelling, "linux/arm/v7"; NULL where one of the three is none. The variant may be
 * "". The caller frees it.
 */
char *platform_of(const char *os, const char *arch, const char *variant);

/* Of OS/ARCH[/VARIANT] as a user writes it; NULL for anything else. The caller frees it. */
char *parse_platform(const char *text);

/* port.c */

/* The port in what `docker port` or inspect prints; 0 where there is none, or more than one. */
int parse_port(const char *text);

/* By which the engine and smolvm know a registry of ours; the caller's. */
char *registry_address(int port);

/*
 * True where no registry of this machine has the port, nor can get it as long as *fd, the caller's to close,
 * is open. It listens: a port that is only bound can be bound once more. *fd is -1 for a port that this user
 * cannot have, nor could a run of his.
 */
bool port_hold(int port, int *fd);

/* ready.c */
struct probe {
	const char *url;
	const char *header, *value; /* that a good answer must carry, or NULL */
	unsigned timeout;           /* seconds */
};

/*
 * Asks until the answer is right, the deadline passes, a signal is caught or
 * gone(arg), where given, says that there is nothing left to wait for. False: why
 * holds what was seen last.
 */
bool wait_ready(const struct probe *p, bool (*gone)(void *), void *arg, char why[200]);

#endif
