/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

void mig_bytes_clear(struct mig_bytes *b)
{
    mig_free(b->items);
    *b = (struct mig_bytes){0};
}

struct mig_bytes mig_bytes_copy(const unsigned char *items, size_t len)
{
    return (struct mig_bytes){mig_memdup(items, len), len};
}

struct mig_bytes mig_bytes_take(struct mig_bytes *b)
{
    struct mig_bytes taken = *b;

    *b = (struct mig_bytes){0};
    return taken;
}

void mig_fd_close(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

bool mig_fd_read(int fd, const char *name, size_t max, struct mig_bytes *ret, struct mig_error *err)
{
    struct mig_bytes b = {0};
    size_t cap = 0;

    for (;;) {
        ssize_t got;

        if (b.len == cap) {
            cap = cap == 0 ? 4096 : cap * 2;
            b.items = mig_resize(b.items, cap + 1, 1);
        }
        got = read(fd, b.items + b.len, cap - b.len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            mig_bytes_clear(&b);
            return mig_fail_errno(err, MIG_IO, "%s", name);
        }
        if (got == 0) {
            break;
        }
        b.len += (size_t)got;
        if (b.len > max) {
            mig_bytes_clear(&b);
            return mig_fail(err, MIG_LIMIT, "%s: larger than %zu bytes", name, max);
        }
    }
    b.items[b.len] = '\0';
    *ret = b;
    return true;
}

bool mig_file_read(const char *path, size_t max, struct mig_bytes *ret, struct mig_error *err)
{
    MIG_AUTO(mig_fd_close) int fd = -1;

    if (strcmp(path, "-") == 0) {
        return mig_fd_read(STDIN_FILENO, "standard input", max, ret, err);
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return mig_fail_errno(err, MIG_IO, "%s", path);
    }
    return mig_fd_read(fd, path, max, ret, err);
}

bool mig_fd_check_private(int fd, const char *path, struct mig_error *err)
{
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0) {
        return mig_fail_errno(err, MIG_IO, "%s", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return mig_fail(err, MIG_IO, "%s: a private key must be a regular file", path);
    }
    return (st.st_mode & (S_IRWXG | S_IRWXO)) == 0 ||
           mig_fail(err, MIG_TRUST,
                    "%s: private key has mode %04o and others may use it, expected 0600", path,
                    st.st_mode & 07777);
}

bool mig_fd_write(int fd, const char *name, const void *bytes, size_t len, struct mig_error *err)
{
    const unsigned char *p = bytes;

    while (len > 0) {
        ssize_t done = write(fd, p, len);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return mig_fail_errno(err, MIG_IO, "%s", name);
        }
        p += done;
        len -= (size_t)done;
    }
    return true;
}

/* Make the rename itself survive a power cut. */
static void sync_folder(const char *path)
{
    MIG_AUTO(mig_free) char *folder = mig_strdup(path);
    char *slash = strrchr(folder, '/');
    MIG_AUTO(mig_fd_close) int fd = -1;

    if (slash != NULL) {
        slash[slash == folder ? 1 : 0] = '\0';
    }
    fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
    }
}

/* A device, pipe or socket is written to; to rename over it would replace it. */
static bool is_special(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static bool write_special(const char *path, const void *bytes, size_t len, struct mig_error *err)
{
    MIG_AUTO(mig_fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        return mig_fail_errno(err, MIG_IO, "%s", path);
    }
    return mig_fd_write(fd, path, bytes, len, err);
}

bool mig_file_write(const char *path, const void *bytes, size_t len, mode_t mode,
                    struct mig_error *err)
{
    MIG_AUTO(mig_free) char *temp = mig_strf("%s.XXXXXX", path);
    MIG_AUTO(mig_fd_close) int fd = -1;

    if (strcmp(path, "-") == 0) {
        return mig_fd_write(STDOUT_FILENO, "standard output", bytes, len, err);
    }
    if (is_special(path)) {
        return write_special(path, bytes, len, err);
    }
    fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0) {
        return mig_fail_errno(err, MIG_IO, "%s", path);
    }
    if (!mig_fd_write(fd, path, bytes, len, err)) {
        (void)unlink(temp);
        return false;
    }
    if (fchmod(fd, mode) != 0 || fsync(fd) != 0 || rename(temp, path) != 0) {
        (void)mig_fail_errno(err, MIG_IO, "%s", path);
        (void)unlink(temp);
        return false;
    }
    sync_folder(path);
    return true;
}

void mig_folder_close(DIR *d)
{
    if (d != NULL) {
        (void)closedir(d);
    }
}

bool mig_file_make_folder(const char *path, mode_t mode, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *copy = mig_strdup(path);

    if (copy[0] == '\0') {
        return mig_fail(err, MIG_USAGE, "expected a folder");
    }
    for (char *slash = strchr(copy + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL) {
            *slash = '\0';
        }
        if (mkdir(copy, mode) != 0 && errno != EEXIST) {
            return mig_fail_errno(err, MIG_IO, "%s", copy);
        }
        if (slash == NULL) {
            return true;
        }
        *slash = '/';
    }
}
