/* SPDX-License-Identifier: Apache-2.0 */
#include "contract_export.h"

#include <stdio.h>

#include "base/log.h"
#include "command.h"
#include "compat/version.h"
#include "report_json.h"
#include "session/contract_file.h"
#include "verb.h"
#include "vmm/export.h"

static json_t *list(const struct mig_launch *l)
{
    json_t *array = json_array();

    for (size_t i = 0; i < l->len; i++) {
        MIG_ASSERT(json_array_append_new(array, json_string(l->items[i])) == 0);
    }
    return array;
}

static json_t *object_of(const struct command *c, const struct mig_contract_file *f,
                         const struct mig_export *e)
{
    json_t *object = report_json_head("QemuArguments");
    json_t *rest =
        json_pack("{s:s, s:s?, s:o, s:o}", "vm", f->contract->vm, "qemuVersion", c->qemu_version,
                  "arguments", list(&e->arguments), "unexpressed", list(&e->unexpressed));

    MIG_ASSERT(rest != NULL && json_object_update(object, rest) == 0);
    json_decref(rest);
    return object;
}

/* One argument a line, for a shell to read; what is not in them goes where
 * people look. */
static void print_lines(const struct command *c, const struct mig_export *e)
{
    for (size_t i = 0; i < e->arguments.len; i++) {
        (void)printf("%s\n", e->arguments.items[i]);
    }
    mig_log_warn("%zu places come with the model, the machine or the host: no argument sets them%s",
                 e->unexpressed.len, c->host.verbose ? "" : " (-v names them)");
    for (size_t i = 0; c->host.verbose && i < e->unexpressed.len; i++) {
        (void)fprintf(stderr, "  %s\n", e->unexpressed.items[i]);
    }
}

static bool check_words(const struct command *c, struct mig_error *err)
{
    struct mig_version parsed;

    if (!c->qemu) {
        return mig_fail(err, MIG_USAGE, "for which VMM? expected --qemu");
    }
    return c->qemu_version == NULL || mig_version_parse(c->qemu_version, &parsed) ||
           mig_fail(err, MIG_USAGE, "--qemu-version: '%.40s': expected a version, as 7.2",
                    c->qemu_version);
}

int contract_export(struct command *c)
{
    MIG_AUTO(mig_contract_file_clear) struct mig_contract_file f = {0};
    MIG_AUTO(mig_export_clear) struct mig_export e = {.arguments = {.items = NULL}};
    const struct mig_export_taker taker = {.version = c->qemu_version};
    const char *word = c->words.operands[0];
    struct mig_error err;

    if (!check_words(c, &err) || !command_read_contract(c, word, &f, &err)) {
        return verb_fail(&err);
    }
    if (f.contract->shown->arch != MIG_ARCH_X86) {
        (void)mig_fail(&err, MIG_MISSING,
                       "%s: is of %s: QEMU has arguments for the registers of x86 alone", word,
                       mig_arch_name(f.contract->shown->arch));
        return verb_fail(&err);
    }
    mig_export_make(f.contract->shown, &taker, &e);
    if (c->json && !c->host.quiet) {
        command_print(c, object_of(c, &f, &e));
    } else if (!c->host.quiet) {
        print_lines(c, &e);
    }
    return 0;
}
