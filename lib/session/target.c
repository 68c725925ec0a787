/* SPDX-License-Identifier: Apache-2.0 */
#include "session/target.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

static bool parse_live(const char *text, const char *name, struct mig_target *t,
                       struct mig_error *err)
{
    if (!mig_address_parse(text, &t->address, err)) {
        return false;
    }
    if (name != NULL && t->address.name[0] != '\0' && strcmp(name, t->address.name) != 0) {
        return mig_fail(err, MIG_USAGE, "host.%s = %s: pins another name than its own", name, text);
    }
    mig_address_format(&t->address, t->where, sizeof t->where);
    if (name != NULL) {
        (void)snprintf(t->address.name, sizeof t->address.name, "%s", name);
    }
    t->kind = MIG_TARGET_LIVE;
    return true;
}

static bool parse_file(const char *word, struct mig_target *t, struct mig_error *err)
{
    struct stat st;

    if (stat(word, &st) != 0) {
        (void)mig_fail_errno(err, MIG_USAGE, "%s", word);
        if (strchr(word, '/') == NULL) {
            char shown[128];

            (void)snprintf(shown, sizeof shown, "%s", word);
            mig_text_make_printable(shown);
            return mig_fail(err, MIG_USAGE, "'%s' is no HOST: expected %s", shown,
                            MIG_TARGET_FORMS);
        }
        return false;
    }
    if (S_ISDIR(st.st_mode)) {
        return mig_fail(err, MIG_USAGE, "%s: is a directory; a HOST is %s", word, MIG_TARGET_FORMS);
    }
    t->kind = MIG_TARGET_FILE;
    return true;
}

bool mig_target_parse(const char *word, mig_target_lookup_fn *lookup, const void *data,
                      struct mig_target *ret, struct mig_error *err)
{
    struct mig_target t = {.word = word};
    const char *known = lookup != NULL ? lookup(data, word) : NULL;
    bool good = true;

    if (known != NULL) {
        good = parse_live(known, word, &t, err);
    } else if (strcmp(word, "-") == 0) {
        t.kind = MIG_TARGET_STDIN;
    } else if (mig_address_looks_like(word)) {
        good = parse_live(word, NULL, &t, err);
    } else {
        good = parse_file(word, &t, err);
    }
    if (good) {
        *ret = t;
    }
    return good;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool mig_target_is_same(const struct mig_target *a, const struct mig_target *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case MIG_TARGET_FILE:
        return same_file(a->word, b->word);
    case MIG_TARGET_STDIN:
        return true;
    case MIG_TARGET_LIVE:
        return strcmp(a->address.host, b->address.host) == 0 &&
               strcmp(a->address.port, b->address.port) == 0 &&
               strcmp(a->address.path, b->address.path) == 0;
    }
    MIG_ASSERT(false);
}

void mig_target_print(const struct mig_target *t, const char *name, char *ret, size_t size)
{
    if (t->kind != MIG_TARGET_LIVE) {
        (void)snprintf(ret, size, "%s", t->kind == MIG_TARGET_STDIN ? "standard input" : t->word);
    } else if (name[0] != '\0') {
        (void)snprintf(ret, size, "%s (%s)", name, t->where);
    } else {
        (void)snprintf(ret, size, "%s", t->where);
    }
}
