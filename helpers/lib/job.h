/* job.h - Ctrl-Z, fg and `stty tostop` for process groups of our own making; for proc.c and clock.c. */
#ifndef JOB_H
#define JOB_H

#include "lib/lib.h"

/* To be called once, by supervise(). Where stops are ignored, they stay ignored. */
void job_supervise(void);

/* Around fork(): a stop waits until the child is known. */
void job_hold(bool on);

/* The group whose leader is pid takes part in stops from now on, until job_ended. */
void job_started(pid_t pid, bool foreign);

/* The child that job_started told of has ended. */
void job_ended(pid_t pid);

/*
 * In the child, before exec: its group, and all that it starts, may write to a terminal where `stty tostop`
 * is set; to read from one fails instead of stopping it for ever. Ignored, since GNU Make lets nothing
 * inherit a mask; and blocked, since programs that ask for passwords have handlers of their own, and would
 * ask for ever.
 */
void job_leave_terminal(void);

/* Milliseconds for which this process has been stopped so far. */
int64_t stopped_ms(void);

#endif
