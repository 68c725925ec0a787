/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/collect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

/* A module has some 30 parameters, a kernel some 25 vulnerabilities. */
#define FOLDER_FILES_MAX 128
#define PATH_TEXT_MAX 512
#define NAME_TEXT_MAX 192

static bool is_absent(int errnum)
{
    return errnum == ENOENT || errnum == ENOTDIR;
}

/* Like the path itself, but below @root. */
static const char *below(const char *path)
{
    path += strspn(path, "/");
    return *path == '\0' ? "." : path;
}

/* One read() is one page of sysfs, which no file of it exceeds. */
static int read_text(int folder, const char *name, char ret[MIG_COLLECT_TEXT_MAX])
{
    MIG_AUTO(mig_fd_close)
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t got;
    char *trimmed;

    if (fd < 0) {
        return errno;
    }
    do {
        got = read(fd, ret, MIG_COLLECT_TEXT_MAX - 1);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return errno;
    }
    for (ssize_t i = 0; i < got; i++) {
        ret[i] = ret[i] == '\0' ? '?' : ret[i];
    }
    ret[got] = '\0';
    trimmed = mig_text_trim(ret);
    memmove(ret, trimmed, strlen(trimmed) + 1);
    return 0;
}

int mig_collect_file_read(int root, const char *path, char ret[MIG_COLLECT_TEXT_MAX])
{
    return read_text(root, below(path), ret);
}

static bool add(struct mig_builder *b, const char *name, const char *path, const char *text,
                int errnum)
{
    if (is_absent(errnum)) {
        return false;
    }
    if (errnum != 0) {
        mig_builder_add_unreadable_fact(b, name, errnum, path);
    } else {
        mig_builder_add_fact(b, name, text, path);
    }
    return true;
}

bool mig_collect_file_fact(struct mig_builder *b, int root, const char *name, const char *path)
{
    char text[MIG_COLLECT_TEXT_MAX];
    int errnum = mig_collect_file_read(root, path, text);

    return add(b, name, path, text, errnum);
}

static bool is_plain_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_-.";

    return *name != '.' && strspn(name, letters) == strlen(name);
}

static void add_member(struct mig_builder *b, int folder, const char *prefix, const char *path,
                       const char *file)
{
    char text[MIG_COLLECT_TEXT_MAX], name[NAME_TEXT_MAX], source[PATH_TEXT_MAX];
    int len = snprintf(name, sizeof name, "%s%s", prefix, file);

    if (len < 0 || (size_t)len >= sizeof name) {
        return;
    }
    (void)snprintf(source, sizeof source, "%s/%s", path, file);
    (void)add(b, name, source, text, read_text(folder, file, text));
}

void mig_collect_file_folder(struct mig_builder *b, int root, const char *prefix, const char *path)
{
    int fd = openat(root, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    unsigned left = FOLDER_FILES_MAX;

    if (folder == NULL) {
        if (!is_absent(errno)) {
            char name[NAME_TEXT_MAX];

            (void)snprintf(name, sizeof name, "%s*", prefix);
            mig_builder_add_unreadable_fact(b, name, errno, path);
        }
        mig_fd_close(fd);
        return;
    }
    while (left > 0 && (entry = readdir(folder)) != NULL) {
        if (is_plain_name(entry->d_name) && entry->d_type != DT_DIR) {
            add_member(b, dirfd(folder), prefix, path, entry->d_name);
            left--;
        }
    }
    (void)closedir(folder);
}
