/* job.h - Ctrl-Z, fg and `stty tostop` for process groups of our own making; for proc.c and clock.c. */
#ifndef JOB_H
#define JOB_H

#include "lib/lib.h"

void job_supervise(void);
void job_hold(bool on);
void job_started(pid_t pid, bool foreign);
void job_ended(pid_t pid);
void job_leave_terminal(void);
int64_t stopped_ms(void);

#endif
