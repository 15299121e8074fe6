/*
 * Preloaded into a process (LD_PRELOAD): writes down what it does to the files of one directory, and fails it on order.
 *
 * CRASH_DIRECTORY  the directory, with its trailing slash. Other files are left alone.
 * CRASH_JOURNAL    file that gets one record per call, written when the call has ended: see `struct record`.
 * CRASH_FAULT      a fault that is armed from the start; later ones are armed by writing the line "crash-fault <fault>\n"
 *                  to any descriptor: the line is swallowed.
 *
 * A fault is "<class> <n> <what>": what befalls the n-th call of the class from now on (n+: that one and all after it).
 * Classes: page (writes to the data file), meta (writes to it through a descriptor with O_DSYNC), sync (fsync, fdatasync,
 * msync of it), any (every call recorded). What: EIO, it fails and does nothing; LATE, it fails with EIO but has done its
 * work, as when the disk fails behind the page cache; SHORT, it tells one byte less than it was given; KILL, the process ends
 * before it, as if by kill -9; STOP, it does its work, then the process is stopped before it learns of that.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum operation { op_write = 1, op_sync = 2, op_rename = 3, op_unlink = 4, op_truncate = 5 };

/* Little-endian; the path and the data follow. Times are CLOCK_MONOTONIC in nanoseconds. */
struct record {
	uint32_t path_bytes;
	uint32_t data_bytes;
	uint8_t operation;
	uint8_t is_dsync;
	uint8_t padding[6];
	uint64_t offset;
	int64_t result;
	uint64_t entry_ns;
	uint64_t exit_ns;
};

struct call {
	enum operation operation;
	int is_dsync;
	uint64_t offset;
	uint64_t entry_ns;
	char path[1024];
};

#define IOV_MAX_HERE 64

static const char *directory;
static int journal = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

enum fate { fate_none, fate_late, fate_short, fate_stop };

static struct {
	char class[8];
	char what[8];
	long at;
	int is_lasting;
	long seen;
	/* What awaits the call that is under way. */
	enum fate fate;
} fault;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite64)(int, const void *, size_t, off64_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwritev64)(int, const struct iovec *, int, off64_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_msync)(void *, size_t, int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_ftruncate64)(int, off64_t);

static void arm(const char *text)
{
	char at[24] = "";
	memset(&fault, 0, sizeof fault);
	sscanf(text, "%7s %23s %7s", fault.class, at, fault.what);
	fault.at = strtol(at, NULL, 10);
	fault.is_lasting = strchr(at, '+') != NULL;
}

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void start(void)
{
	const char *path = getenv("CRASH_JOURNAL");
	const char *armed = getenv("CRASH_FAULT");
	real_write = next("write");
	real_pwrite64 = next("pwrite64");
	real_writev = next("writev");
	real_pwritev64 = next("pwritev64");
	real_fsync = next("fsync");
	real_fdatasync = next("fdatasync");
	real_msync = next("msync");
	real_rename = next("rename");
	real_unlink = next("unlink");
	real_ftruncate64 = next("ftruncate64");
	directory = getenv("CRASH_DIRECTORY");
	if (path != NULL) journal = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (armed != NULL) arm(armed);
}

static uint64_t now_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), wanted = strlen(end);
	return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

static int is_data_file(const char *path)
{
	return ends_with(path, "/log.mdb") || ends_with(path, "/log.mdb.new");
}

static int is_inside(const char *path)
{
	return directory != NULL && strncmp(path, directory, strlen(directory)) == 0;
}

static int belongs(const struct call *call, const char *class)
{
	if (strcmp(class, "any") == 0) return 1;
	if (!is_data_file(call->path)) return 0;
	if (strcmp(class, "sync") == 0) return call->operation == op_sync;
	if (strcmp(class, "page") == 0) return call->operation == op_write && !call->is_dsync;
	return strcmp(class, "meta") == 0 && call->operation == op_write && call->is_dsync;
}

/* The error that this call must fail with; 0 when it may go on. */
static int injected(const struct call *call)
{
	if (fault.at == 0 || !belongs(call, fault.class)) return 0;
	fault.seen++;
	if (fault.seen < fault.at || (fault.seen > fault.at && !fault.is_lasting)) return 0;
	if (strcmp(fault.what, "KILL") == 0) {
		kill(getpid(), SIGKILL);
		for (;;) pause();
	}
	if (strcmp(fault.what, "LATE") == 0) fault.fate = fate_late;
	if (strcmp(fault.what, "SHORT") == 0) fault.fate = fate_short;
	if (strcmp(fault.what, "STOP") == 0) fault.fate = fate_stop;
	return fault.fate == fate_none ? EIO : 0;
}

static void record(const struct call *call, const struct iovec *parts, int count, int64_t result)
{
	struct record head = { 0 };
	struct iovec all[IOV_MAX_HERE + 2];
	int saved = errno;
	if (journal >= 0 && count <= IOV_MAX_HERE) {
		head.path_bytes = (uint32_t)strlen(call->path);
		head.operation = (uint8_t)call->operation;
		head.is_dsync = (uint8_t)call->is_dsync;
		head.offset = call->offset;
		head.result = result;
		head.entry_ns = call->entry_ns;
		head.exit_ns = now_ns();
		all[0].iov_base = &head;
		all[0].iov_len = sizeof head;
		all[1].iov_base = (void *)call->path;
		all[1].iov_len = head.path_bytes;
		for (int i = 0; i < count; i++) {
			all[i + 2] = parts[i];
			head.data_bytes += (uint32_t)parts[i].iov_len;
		}
		if (real_writev(journal, all, count + 2) < 0) abort();
	}
	errno = saved;
}

/* Looks at a call on a descriptor: true when it is one of ours, which then holds the lock until `end`. */
static int begin(struct call *call, enum operation operation, int fd, int64_t offset)
{
	char link[64];
	ssize_t length;
	int flags, saved = errno;
	if (directory == NULL || fd == journal) return 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	length = readlink(link, call->path, sizeof call->path - 1);
	errno = saved;
	if (length <= 0) return 0;
	call->path[length] = '\0';
	if (!is_inside(call->path)) return 0;
	flags = fcntl(fd, F_GETFL);
	call->operation = operation;
	call->is_dsync = flags >= 0 && (flags & O_DSYNC) != 0;
	if (flags >= 0 && (flags & O_APPEND) != 0) call->offset = (uint64_t)lseek64(fd, 0, SEEK_END);
	else call->offset = (uint64_t)(offset >= 0 ? offset : lseek64(fd, 0, SEEK_CUR));
	errno = saved;
	pthread_mutex_lock(&lock);
	call->entry_ns = now_ns();
	return 1;
}

static int begin_path(struct call *call, enum operation operation, const char *path)
{
	if (!is_inside(path) || strlen(path) >= sizeof call->path) return 0;
	memset(call, 0, sizeof *call);
	call->operation = operation;
	strcpy(call->path, path);
	pthread_mutex_lock(&lock);
	call->entry_ns = now_ns();
	return 1;
}

static int64_t end(const struct call *call, const struct iovec *parts, int count, int64_t result)
{
	enum fate fate = fault.fate;
	fault.fate = fate_none;
	if (fate == fate_late) result = -1;
	if (fate == fate_short) result--;
	record(call, parts, count, result);
	if (fate == fate_stop) raise(SIGSTOP);
	pthread_mutex_unlock(&lock);
	if (fate == fate_late) errno = EIO;
	return result;
}

static int64_t fail(const struct call *call, int error)
{
	errno = error;
	return end(call, NULL, 0, -1);
}

ssize_t write(int fd, const void *data, size_t bytes)
{
	static const char order[] = "crash-fault ";
	struct iovec part = { (void *)data, bytes };
	struct call call;
	int error;
	if (bytes > sizeof order && bytes < 64 && memcmp(data, order, sizeof order - 1) == 0) {
		char text[64] = "";
		memcpy(text, data, bytes);
		arm(text + sizeof order - 1);
		return (ssize_t)bytes;
	}
	if (!begin(&call, op_write, fd, -1)) return real_write(fd, data, bytes);
	if ((error = injected(&call)) != 0) return fail(&call, error);
	return end(&call, &part, 1, real_write(fd, data, bytes));
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset)
{
	struct iovec part = { (void *)data, bytes };
	struct call call;
	int error;
	if (!begin(&call, op_write, fd, offset)) return real_pwrite64(fd, data, bytes, offset);
	if ((error = injected(&call)) != 0) return fail(&call, error);
	return end(&call, &part, 1, real_pwrite64(fd, data, bytes, offset));
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
	return pwrite64(fd, data, bytes, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	struct call call;
	int error;
	if (!begin(&call, op_write, fd, -1)) return real_writev(fd, parts, count);
	if ((error = injected(&call)) != 0) return fail(&call, error);
	return end(&call, parts, count, real_writev(fd, parts, count));
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
	struct call call;
	int error;
	if (!begin(&call, op_write, fd, offset)) return real_pwritev64(fd, parts, count, offset);
	if ((error = injected(&call)) != 0) return fail(&call, error);
	return end(&call, parts, count, real_pwritev64(fd, parts, count, offset));
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
	return pwritev64(fd, parts, count, offset);
}

int fsync(int fd)
{
	struct call call;
	int error;
	if (!begin(&call, op_sync, fd, 0)) return real_fsync(fd);
	if ((error = injected(&call)) != 0) return (int)fail(&call, error);
	return (int)end(&call, NULL, 0, real_fsync(fd));
}

int fdatasync(int fd)
{
	struct call call;
	int error;
	if (!begin(&call, op_sync, fd, 0)) return real_fdatasync(fd);
	if ((error = injected(&call)) != 0) return (int)fail(&call, error);
	return (int)end(&call, NULL, 0, real_fdatasync(fd));
}

/* A map has no descriptor here; whatever is synced through one counts as the data file. */
int msync(void *address, size_t bytes, int flags)
{
	char path[1024];
	struct call call;
	int error;
	snprintf(path, sizeof path, "%slog.mdb", directory == NULL ? "" : directory);
	if (!begin_path(&call, op_sync, path)) return real_msync(address, bytes, flags);
	if ((error = injected(&call)) != 0) return (int)fail(&call, error);
	return (int)end(&call, NULL, 0, real_msync(address, bytes, flags));
}

int ftruncate64(int fd, off64_t bytes)
{
	struct call call;
	int error;
	if (!begin(&call, op_truncate, fd, bytes)) return real_ftruncate64(fd, bytes);
	if ((error = injected(&call)) != 0) return (int)fail(&call, error);
	return (int)end(&call, NULL, 0, real_ftruncate64(fd, bytes));
}

int ftruncate(int fd, off_t bytes)
{
	return ftruncate64(fd, bytes);
}

/* The data of a rename is the new path. */
int rename(const char *from, const char *to)
{
	struct iovec part = { (void *)to, strlen(to) };
	struct call call;
	int error;
	if (!begin_path(&call, op_rename, from)) return real_rename(from, to);
	if ((error = injected(&call)) != 0) return (int)fail(&call, error);
	return (int)end(&call, &part, 1, real_rename(from, to));
}

int unlink(const char *path)
{
	struct call call;
	int error;
	if (!begin_path(&call, op_unlink, path)) return real_unlink(path);
	if ((error = injected(&call)) != 0) return (int)fail(&call, error);
	return (int)end(&call, NULL, 0, real_unlink(path));
}
