/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/qemu_check.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

/* What a command of the head means among QEMU's capabilities. */
static const struct {
    enum mig_qemu_command command;
    const char *capability;
} implied[] = {
    {MIG_QEMU_RETURN_PATH,   "return-path"  },
    {MIG_QEMU_POSTCOPY_RAM,  "postcopy-ram" },
    {MIG_QEMU_DIRTY_BITMAPS, "dirty-bitmaps"},
    {MIG_QEMU_COLO,          "x-colo"       },
};

void mig_qemu_uuid_format(const unsigned char uuid[MIG_QEMU_UUID], char ret[MIG_QEMU_UUID_TEXT])
{
    static const unsigned group[] = {4, 2, 2, 2, 6};

    for (unsigned g = 0; g < MIG_COUNT(group); g++) {
        mig_text_hex(uuid, group[g], ret);
        uuid += group[g];
        ret += 2 * group[g];
        *ret++ = '-';
    }
    ret[-1] = '\0';
}

static bool is_zero(const unsigned char uuid[MIG_QEMU_UUID])
{
    static const unsigned char zero[MIG_QEMU_UUID];

    return memcmp(uuid, zero, sizeof zero) == 0;
}

static void next_mismatch(struct mig_text *t)
{
    mig_text_add(t, t->len > 0 ? "; " : "");
}

static void check_uuid(const struct mig_qemu_stream *s, const unsigned char *expected,
                       struct mig_text *t)
{
    char want[MIG_QEMU_UUID_TEXT], got[MIG_QEMU_UUID_TEXT];

    mig_qemu_uuid_format(expected, want);
    mig_qemu_uuid_format(s->uuid, got);
    if (!s->has_uuid && !is_zero(expected)) {
        next_mismatch(t);
        mig_text_addf(t, "no UUID, expected %s: set capability validate-uuid at the source", want);
    } else if (s->has_uuid && memcmp(s->uuid, expected, MIG_QEMU_UUID) != 0) {
        next_mismatch(t);
        mig_text_addf(t, "wrong VM: UUID %s, expected %s", got,
                      is_zero(expected) ? "a guest without one" : want);
    }
}

static bool is_allowed(const char *const *allowed, const char *name)
{
    for (; *allowed != NULL; allowed++) {
        if (strcmp(*allowed, name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_capability(const char *const *allowed, const char *name, struct mig_text *t)
{
    if (is_allowed(allowed, name)) {
        return;
    }
    next_mismatch(t);
    mig_text_addf(t, "capability %s is not agreed, expected", name);
    if (*allowed == NULL) {
        mig_text_add(t, " none");
    }
    for (const char *const *a = allowed; *a != NULL; a++) {
        mig_text_addf(t, "%s %s", a == allowed ? " at most" : ",", *a);
    }
}

bool mig_qemu_check(const struct mig_qemu_stream *s, const struct mig_qemu_expected *e,
                    struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};

    check_uuid(s, e->uuid, &t);
    if (strcmp(s->machine, e->machine) != 0) {
        next_mismatch(&t);
        mig_text_addf(&t, "wrong machine type: %s, expected %s", s->machine, e->machine);
    }
    if (e->ram_bytes != 0 && s->ram_bytes != e->ram_bytes) {
        next_mismatch(&t);
        mig_text_addf(&t, "wrong size of RAM: %llu bytes, expected %llu",
                      (unsigned long long)s->ram_bytes, (unsigned long long)e->ram_bytes);
    }
    for (size_t i = 0; i < s->capabilities.len; i++) {
        check_capability(e->capabilities, s->capabilities.items[i].text, &t);
    }
    for (size_t i = 0; i < MIG_COUNT(implied); i++) {
        if ((s->commands & implied[i].command) != 0) {
            check_capability(e->capabilities, implied[i].capability, &t);
        }
    }
    return t.len == 0 || mig_fail(err, MIG_TRUST, "QEMU stream: %s", t.items);
}
