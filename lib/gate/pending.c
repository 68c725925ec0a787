/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/pending.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

static char *path_of(const char *dir, const char *vm)
{
    return mig_strf("%s/%s", dir, vm);
}

bool mig_pending_set(const char *dir, const char *vm, const char *instance, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *path = NULL, *text = NULL;

    if (!mig_text_is_uuid(vm)) {
        return mig_fail(err, MIG_FORMAT, "VM '%.40s': expected a UUID", vm);
    }
    path = path_of(dir, vm);
    text = mig_strf("%s\n", instance);
    return (mig_file_make_folder(dir, 0700, err) &&
            mig_file_write(path, text, strlen(text), 0600, err)) ||
           mig_wrap(err, "mark of a guest that is to come");
}

bool mig_pending_is_set(const char *dir, const char *vm, int64_t now)
{
    MIG_AUTO(mig_free) char *path = path_of(dir, vm);
    struct stat st;

    if (!mig_text_is_uuid(vm)) {
        return false;
    }
    if (stat(path, &st) != 0) {
        return errno != ENOENT && errno != ENOTDIR;
    }
    return now <= st.st_mtime + MIG_PENDING_S;
}

bool mig_pending_any(const char *dir, int64_t now)
{
    MIG_AUTO(mig_folder_close) DIR *d = opendir(dir);
    const struct dirent *e;

    if (d == NULL) {
        return errno != ENOENT;
    }
    while ((e = readdir(d)) != NULL) {
        if (mig_pending_is_set(dir, e->d_name, now)) {
            return true;
        }
    }
    return false;
}

void mig_pending_remove(const char *dir, const char *vm)
{
    MIG_AUTO(mig_free) char *path = path_of(dir, vm);

    if (mig_text_is_uuid(vm)) {
        (void)unlink(path);
    }
}
