/* The wall clock of a process, moved by as many milliseconds as a file says.
 *
 * Loaded by LD_PRELOAD. The file that TIDEMILL_CLOCK_FILE names is mapped once,
 * before main; its first eight bytes are the offset, native and signed. Whoever
 * writes them moves the clock at once.
 *
 * The hooks may run at any moment: before the constructor, inside malloc, in a
 * signal handler. So they do nothing but a system call, a load and a sum. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(long) == 8 && sizeof(time_t) == 8, "64 bits only");

static _Atomic int64_t still;                  /* the offset until there is a file */
static const _Atomic int64_t *offset = &still; /* in milliseconds */

/* Without the variable nothing moves; with a file that cannot be mapped the
 * process ends, rather than have a test prove nothing. */
__attribute__((constructor)) static void map_file(void)
{
	const char *path = getenv("TIDEMILL_CLOCK_FILE");
	if (!path)
		return;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *p = mmap(0, sizeof *offset, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) { /* fd is -1 if there is no such file */
		static const char why[] = "clockshim: cannot map TIDEMILL_CLOCK_FILE\n";
		_exit(write(2, why, sizeof why - 1) < 0 ? 126 : 127);
	}
	close(fd);
	offset = p;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	if (syscall(SYS_clock_gettime, id, ts))
		return -1;
	if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE)
		return 0;
	int64_t ms = atomic_load_explicit(offset, memory_order_relaxed);
	ts->tv_sec += ms / 1000;
	ts->tv_nsec += ms % 1000 * 1000000; /* between -1 s and 2 s */
	if (ts->tv_nsec < 0) {
		ts->tv_nsec += 1000000000;
		ts->tv_sec--;
	} else if (ts->tv_nsec >= 1000000000) {
		ts->tv_nsec -= 1000000000;
		ts->tv_sec++;
	}
	return 0;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec ts;
	if (tz)
		memset(tz, 0, sizeof(struct timezone));
	clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail */
	*tv = (struct timeval){.tv_sec = ts.tv_sec, .tv_usec = ts.tv_nsec / 1000};
	return 0;
}

time_t time(time_t *t)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME_COARSE, &ts); /* cannot fail */
	if (t)
		*t = ts.tv_sec;
	return ts.tv_sec;
}
