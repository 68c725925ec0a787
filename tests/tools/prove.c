/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prove [--kvm PATH] SNAPSHOT.json: show it to a guest on this host's KVM, say
 * where that went wrong, one line each, and what came of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "kvm/prove.h"
#include "snapshot/json.h"

#define SNAPSHOT_MAX (4u << 20)

static const char *errno_name(int errnum)
{
    const char *name = errnum != 0 ? strerrorname_np(errnum) : "-";

    return name != NULL ? name : "?";
}

static void print(const struct mig_proven *p)
{
    for (size_t i = 0; i < p->len; i++) {
        const struct mig_mismatch *m = &p->items[i];
        char place[MIG_REG_TEXT_MAX] = "-", got[20] = "-";

        if (m->key != UINT64_MAX) {
            mig_reg_print(mig_reg_from_key(m->key), place);
        }
        if (m->has_got) {
            (void)snprintf(got, sizeof got, "0x%" PRIx64, m->got);
        }
        printf("%s %s 0x%" PRIx64 " %s %s\n", mig_stage_name(m->stage), place, m->wanted, got,
               errno_name(m->errnum));
    }
    printf("outcome %s compared %u ran %d", mig_outcome_name(p->outcome), p->compared, p->ran);
    if (p->outcome == MIG_OUTCOME_NOT_TRIED) {
        printf(" stage %s %s", mig_stage_name(p->stage), errno_name(p->errnum));
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    const char *kvm = "/dev/kvm";
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;
    MIG_AUTO(mig_proven_clear) struct mig_proven proven = {0};
    struct mig_error err;

    if (argc == 4 && strcmp(argv[1], "--kvm") == 0) {
        kvm = argv[2];
    } else if (argc != 2) {
        fprintf(stderr, "usage: prove [--kvm PATH] SNAPSHOT.json\n");
        return 2;
    }
    if (!mig_file_read(argv[argc - 1], SNAPSHOT_MAX, &bytes, &err) ||
        !mig_snapshot_from_json((const char *)bytes.items, bytes.len, &shown, &err)) {
        fprintf(stderr, "prove: %s: %s\n", argv[argc - 1], err.msg);
        return 2;
    }
    mig_kvm_prove(kvm, shown, &proven);
    print(&proven);
    return 0;
}
