/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/collect.h"

#include <errno.h>

#include "base/text.h"

#define TOLERANCE_FILE "/sys/module/kvm/parameters/tsc_tolerance_ppm"

static const struct {
    const char *prefix, *folder;
} modules[] = {
#define MODULE(name) {"kvm.param." #name ".", "/sys/module/" #name "/parameters"},
#include "agent/module.def"
};

/* The clock rule wants this one as a number, not as text. */
static void add_tolerance(struct mig_builder *b, int root)
{
    struct mig_reg reg = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_TOLERANCE_PPM);
    char text[MIG_COLLECT_TEXT_MAX];
    uint64_t ppm;
    int errnum = mig_collect_file_read(root, TOLERANCE_FILE, text);

    if (errnum == 0 && mig_text_to_u64(text, UINT32_MAX, &ppm)) {
        mig_builder_set(b, reg, ppm);
    } else if (errnum != ENOENT && errnum != ENOTDIR) {
        mig_builder_set_unreadable(b, reg, errnum != 0 ? errnum : EINVAL);
    }
}

void mig_collect_params(struct mig_builder *b, int root)
{
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        mig_collect_file_folder(b, root, modules[i].prefix, modules[i].folder);
    }
    add_tolerance(b, root);
}
