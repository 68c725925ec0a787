/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/file.h: whole files in with a limit, whole files out or not at all.
 */
#pragma once

#include <dirent.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"

/* Zero-initialised is empty; items has a NUL behind the last byte. */
struct mig_bytes {
    unsigned char *items;
    size_t len;
};

void mig_bytes_clear(struct mig_bytes *b);
static inline void mig_bytes_clear_auto(struct mig_bytes *b)
{
    mig_bytes_clear(b);
}

/* A copy that the caller clears; of nothing it is empty. */
struct mig_bytes mig_bytes_copy(const unsigned char *items, size_t len);
/* What @b holds is the caller's, and @b is empty. */
struct mig_bytes mig_bytes_take(struct mig_bytes *b);

void mig_fd_close(int fd);
static inline void mig_fd_close_auto(int *fd)
{
    mig_fd_close(*fd);
}

/* A folder that is being read; NULL is fine. */
void mig_folder_close(DIR *d);
MIG_AUTO_DEFINE(mig_folder_close, DIR *);

/* "-" is standard input.  More than @max bytes is an error, not a cut. */
MIG_MUST_CHECK bool mig_file_read(const char *path, size_t max, struct mig_bytes *ret,
                                  struct mig_error *err);

/* The same from an open descriptor; @name only for messages. */
MIG_MUST_CHECK bool mig_fd_read(int fd, const char *name, size_t max, struct mig_bytes *ret,
                                struct mig_error *err);

/* Is a private key's file a regular one that only its owner may use? */
MIG_MUST_CHECK bool mig_fd_check_private(int fd, const char *path, struct mig_error *err);

/* Temporary file, fsync, rename: a reader sees the old file or the new one.
 * "-" is standard output. */
MIG_MUST_CHECK bool mig_file_write(const char *path, const void *bytes, size_t len, mode_t mode,
                                   struct mig_error *err);

/* The folder and what is missing above it; one that is there is not changed. */
MIG_MUST_CHECK bool mig_file_make_folder(const char *path, mode_t mode, struct mig_error *err);

/* All of @bytes, across short writes and EINTR. */
MIG_MUST_CHECK bool mig_fd_write(int fd, const char *name, const void *bytes, size_t len,
                                 struct mig_error *err);
