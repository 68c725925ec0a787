/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"

static bool lacks_something;

int check_finish(int failed)
{
    return failed == 0 && lacks_something ? 77 : failed;
}

void check_text(const char *label, const char *expected, const char *got)
{
    if (got == NULL || strcmp(expected, got) != 0) {
        fail_msg("%s: expected '%s', got '%s'", label, expected, got == NULL ? "(null)" : got);
    }
}

void check_contains(const char *label, const char *needle, const char *got)
{
    if (got == NULL || strstr(got, needle) == NULL) {
        fail_msg("%s: expected '...%s...', got '%s'", label, needle, got == NULL ? "(null)" : got);
    }
}

void check_number(const char *label, uint64_t expected, uint64_t got)
{
    if (expected != got) {
        fail_msg("%s: expected 0x%llx, got 0x%llx", label, (unsigned long long)expected,
                 (unsigned long long)got);
    }
}

void check_true(const char *label, bool got)
{
    if (!got) {
        fail_msg("%s: expected true", label);
    }
}

void check_done(const char *label, bool done, const struct mig_error *err)
{
    if (!done) {
        fail_msg("%s: %s", label, err->msg);
    }
}

char *check_source_path(const char *relative)
{
    const char *root = getenv("MIG_SOURCE");

    return mig_strf("%s/%s", root != NULL ? root : ".", relative);
}

char *check_shared_path(const char *relative)
{
    const char *root = getenv("MIG_SHARED");
    char *path = mig_strf("%s/%s", root != NULL ? root : "../shared", relative);

    if (access(path, R_OK) != 0) {
        (void)fprintf(stderr, "SKIP: %s is not there\n", path);
        mig_free(path);
        lacks_something = true;
        return NULL;
    }
    return path;
}
