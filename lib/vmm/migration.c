/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/migration.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "snapshot/node.h"

#define FD_NAME "mig-gate"

/* A question whose answer is of no interest. */
static bool tell(struct mig_qmp *q, const char *command, json_t *arguments, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *nothing = NULL;

    return mig_qmp_ask(q, command, arguments, JSON_OBJECT, &nothing, err);
}

static void set(json_t *list, const char *capability, bool on)
{
    MIG_ASSERT(json_array_append_new(
                   list, json_pack("{s:s, s:b}", "capability", capability, "state", on)) == 0);
}

static bool query(struct mig_qmp *q, json_t **ret, struct mig_error *err)
{
    return mig_qmp_ask(q, "query-migrate-capabilities", NULL, JSON_ARRAY, ret, err);
}

static bool is_on(const json_t *list, const char *capability)
{
    const json_t *entry;
    size_t n;

    json_array_foreach(list, n, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "capability"));

        if (name != NULL && strcmp(name, capability) == 0) {
            return json_is_true(json_object_get(entry, "state"));
        }
    }
    return false;
}

/* What takes more channels than one, or lets the guest go before all of it is there. */
static bool check_channels(const json_t *list, struct mig_error *err)
{
    static const char *const refused[] = {"multifd",      "postcopy-ram", "postcopy-preempt",
                                          "rdma-pin-all", "mapped-ram",   "x-colo"};

    for (size_t i = 0; i < MIG_COUNT(refused); i++) {
        if (is_on(list, refused[i])) {
            return mig_fail(err, MIG_REFUSED,
                            "migration capability %s is on, and the gate carries one channel of a "
                            "pre-copy migration: switch it off",
                            refused[i]);
        }
    }
    return true;
}

static bool check_off(struct mig_qmp *q, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *list = NULL;

    return query(q, &list, err) && check_channels(list, err);
}

bool mig_migration_check_source(struct mig_qmp *q, bool has_uuid, struct mig_error *err)
{
    static const char *const needed[] = {"return-path", "pause-before-switchover", "validate-uuid"};
    MIG_AUTO(mig_node_free) json_t *list = NULL;

    if (!query(q, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < MIG_COUNT(needed) - (has_uuid ? 0 : 1); i++) {
        if (!is_on(list, needed[i])) {
            return mig_fail(err, MIG_REFUSED,
                            "migration capability %s is off, and the gate needs it: switch it on "
                            "before the migration",
                            needed[i]);
        }
    }
    return check_channels(list, err);
}

static bool set_capabilities(struct mig_qmp *q, json_t *list, struct mig_error *err)
{
    return tell(q, "migrate-set-capabilities", json_pack("{s:o}", "capabilities", list), err);
}

bool mig_migration_prepare_source(struct mig_qmp *q, bool has_uuid, struct mig_error *err)
{
    json_t *list = json_array();

    set(list, "return-path", true);
    set(list, "pause-before-switchover", true);
    set(list, "validate-uuid", has_uuid);
    return set_capabilities(q, list, err) && check_off(q, err);
}

bool mig_migration_prepare_destination(struct mig_qmp *q, bool has_uuid, struct mig_error *err)
{
    json_t *list = json_array();

    set(list, "return-path", true);
    set(list, "validate-uuid", has_uuid);
    return set_capabilities(q, list, err) && check_off(q, err);
}

static bool give(struct mig_qmp *q, int fd, struct mig_error *err)
{
    return mig_qmp_give(q, fd, FD_NAME, err);
}

bool mig_migration_send(struct mig_qmp *q, int fd, struct mig_error *err)
{
    return give(q, fd, err) && tell(q, "migrate", json_pack("{s:s}", "uri", "fd:" FD_NAME), err);
}

bool mig_migration_take(struct mig_qmp *q, int fd, struct mig_error *err)
{
    return give(q, fd, err) &&
           tell(q, "migrate-incoming", json_pack("{s:s}", "uri", "fd:" FD_NAME), err);
}

static enum mig_migration_state state_of(const char *word)
{
    static const struct {
        const char *word;
        enum mig_migration_state state;
    } rows[] = {
        {"none",           MIG_MIGRATION_NONE  },
        {"pre-switchover", MIG_MIGRATION_WAITS },
        {"completed",      MIG_MIGRATION_DONE  },
        {"failed",         MIG_MIGRATION_FAILED},
        {"cancelling",     MIG_MIGRATION_FAILED},
        {"cancelled",      MIG_MIGRATION_FAILED},
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (strcmp(rows[i].word, word) == 0) {
            return rows[i].state;
        }
    }
    return MIG_MIGRATION_RUNNING; /* setup, active, device ... */
}

bool mig_migration_ask(struct mig_qmp *q, enum mig_migration_state *ret, char ret_why[256],
                       struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *answer = NULL;
    const char *word, *why;

    if (!mig_qmp_ask(q, "query-migrate", NULL, JSON_OBJECT, &answer, err)) {
        return false;
    }
    word = json_string_value(json_object_get(answer, "status"));
    why = json_string_value(json_object_get(answer, "error-desc"));
    *ret = state_of(word != NULL ? word : "none");
    (void)snprintf(ret_why, 256, "%s", why != NULL ? why : "");
    mig_text_make_printable(ret_why);
    return true;
}

bool mig_migration_continue(struct mig_qmp *q, struct mig_error *err)
{
    return tell(q, "migrate-continue", json_pack("{s:s}", "state", "pre-switchover"), err);
}

bool mig_migration_cancel(struct mig_qmp *q, struct mig_error *err)
{
    return tell(q, "migrate_cancel", NULL, err);
}

bool mig_migration_run_state(struct mig_qmp *q, char **ret, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *answer = NULL;
    const char *word;

    if (!mig_qmp_ask(q, "query-status", NULL, JSON_OBJECT, &answer, err)) {
        return false;
    }
    word = json_string_value(json_object_get(answer, "status"));
    *ret = mig_strdup(word != NULL ? word : "unknown");
    return true;
}

bool mig_migration_resume(struct mig_qmp *q, struct mig_error *err)
{
    return tell(q, "cont", NULL, err);
}

bool mig_migration_quit(struct mig_qmp *q, struct mig_error *err)
{
    return tell(q, "quit", NULL, err);
}
