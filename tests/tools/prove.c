/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prove [--kvm PATH] SNAPSHOT.json...: show each to a guest on this host's KVM,
 * say where that went wrong, one line each, and what came of it.
 *
 * prove --children N SNAPSHOT.json: N times, in a child each; how often that
 * gave the same answer, and an error when this process holds more afterwards.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/child.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "kvm/prove.h"
#include "snapshot/json.h"

#define SNAPSHOT_MAX (4u << 20)
#define KVM "/dev/kvm"
#define CHILD_MS 20000
/* What malloc keeps after the first runs. */
#define WARM_UP 50
#define PAGES_MORE 64

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

static bool load(const char *path, struct mig_snapshot **ret, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};

    return mig_file_read(path, SNAPSHOT_MAX, &bytes, err) &&
           mig_snapshot_from_json((const char *)bytes.items, bytes.len, ret, err);
}

static bool prove(const char *kvm, const char *path, struct mig_error *err)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;
    MIG_AUTO(mig_proven_clear) struct mig_proven proven = {0};

    if (!load(path, &shown, err)) {
        return false;
    }
    mig_kvm_prove(kvm, shown, &proven);
    printf("file %s\n", path);
    print(&proven);
    return true;
}

static bool prove_in_child(const void *work, struct mig_bytes *ret, struct mig_error *err)
{
    struct mig_proven proven;

    (void)err;
    mig_kvm_prove(KVM, work, &proven);
    ret->len = sizeof proven.outcome + sizeof proven.compared;
    ret->items = mig_alloc(1, ret->len);
    memcpy(ret->items, &proven.outcome, sizeof proven.outcome);
    memcpy(ret->items + sizeof proven.outcome, &proven.compared, sizeof proven.compared);
    mig_proven_clear(&proven);
    return true;
}

static unsigned open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned n = 0;

    while (folder != NULL && readdir(folder) != NULL) {
        n++;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return n;
}

static unsigned resident_pages(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned size, resident = 0;

    if (file != NULL) {
        if (fscanf(file, "%u %u", &size, &resident) != 2) {
            resident = 0;
        }
        (void)fclose(file);
    }
    return resident;
}

static bool prove_often(uint64_t times, const char *path, struct mig_error *err)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes first = {0};
    unsigned files = open_files(), pages = 0;
    uint64_t same = 0;

    if (!load(path, &shown, err)) {
        return false;
    }
    for (uint64_t i = 0; i < times; i++) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};

        if (!mig_child_run(prove_in_child, shown, CHILD_MS, &bytes, err)) {
            return false;
        }
        if (i == 0) {
            first = bytes;
            bytes = (struct mig_bytes){0};
        }
        same +=
            i == 0 || (bytes.len == first.len && memcmp(bytes.items, first.items, bytes.len) == 0);
        pages = i <= WARM_UP ? resident_pages() : pages;
    }
    printf("children %" PRIu64 " same %" PRIu64 "\n", times, same);
    if (open_files() != files || resident_pages() > pages + PAGES_MORE) {
        return mig_fail(err, MIG_INTERNAL, "files %u, then %u; pages %u, then %u", files,
                        open_files(), pages, resident_pages());
    }
    return true;
}

int main(int argc, char **argv)
{
    const char *kvm = KVM;
    uint64_t times = 0;
    int first = 1;

    if (argc > 2 && strcmp(argv[1], "--kvm") == 0) {
        kvm = argv[2];
        first = 3;
    } else if (argc == 4 && strcmp(argv[1], "--children") == 0 &&
               mig_text_to_u64(argv[2], UINT32_MAX, &times)) {
        first = 3;
    }
    if (first >= argc) {
        fprintf(stderr, "usage: prove [--kvm PATH | --children N] SNAPSHOT.json...\n");
        return 2;
    }
    for (int i = first; i < argc; i++) {
        struct mig_error err;

        if (times > 0 ? !prove_often(times, argv[i], &err) : !prove(kvm, argv[i], &err)) {
            fprintf(stderr, "prove: %s: %s\n", argv[i], err.msg);
            return 2;
        }
    }
    return 0;
}
