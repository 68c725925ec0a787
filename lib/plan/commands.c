/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/commands.h"

#include <string.h>

#include "base/alloc.h"
#include "plan/capture.h"
#include "plan/plan.h"

#define PLAIN_TLS_CREDS "migration-tls"

/* One of the two VMMs. */
struct side {
    const char *name;
    const struct mig_capture *capture;
    bool is_source;
};

struct script {
    const struct mig_plan *plan;
    const struct mig_wish *wish;
    const struct mig_capture *source;
    json_t *list;
};

static void set(json_t *object, const char *key, json_t *value)
{
    MIG_ASSERT(json_object_set_new(object, key, value) == 0);
}

/* Takes @arguments; nothing to say is no command. */
static void add(const struct script *s, const struct side *side, const char *execute,
                json_t *arguments)
{
    MIG_AUTO(mig_free) char *id = mig_strf("%s/%zu", side->name, json_array_size(s->list) + 1);
    json_t *command = json_object();

    set(command, "execute", json_string(execute));
    set(command, "arguments", arguments);
    set(command, "id", json_string(id));
    MIG_ASSERT(json_array_append_new(s->list, command) == 0);
}

static bool is_on(const struct mig_capture *c, const char *name)
{
    const struct mig_capture_switch *s = mig_capture_switch(c, name);

    return s != NULL && s->on;
}

/* Is @name to be on at @side?  What no row knows stays as the source has it. */
static bool wants(const struct script *s, const struct side *side, const char *name)
{
    for (int i = 0; i < MIG_ABILITY_COUNT; i++) {
        const struct mig_ability_row *row = &mig_ability_rows[i];

        if (row->name != NULL && strcmp(row->name, name) == 0) {
            return side->is_source || row->both ? mig_plan_has(s->plan, (enum mig_ability)i)
                                                : is_on(side->capture, name);
        }
    }
    return is_on(s->source, name);
}

/* Only what changes: an old QEMU refuses to be told twice of some. */
static void add_switches(const struct script *s, const struct side *side, bool on)
{
    json_t *list = json_array();
    const struct mig_capture *c = side->capture;

    for (size_t i = 0; i < c->capabilities.len; i++) {
        const struct mig_capture_switch *now = &c->capabilities.items[i];
        json_t *item;

        if (wants(s, side, now->name) != on || now->on == on) {
            continue;
        }
        item = json_object();
        set(item, "capability", json_string(now->name));
        set(item, "state", json_boolean(on));
        MIG_ASSERT(json_array_append_new(list, item) == 0);
    }
    if (json_array_size(list) == 0) {
        json_decref(list);
        return;
    }
    json_t *arguments = json_object();

    set(arguments, "capabilities", list);
    add(s, side, "migrate-set-capabilities", arguments);
}

static void add_tls(const struct script *s, const struct side *side, json_t *arguments)
{
    const json_t *now = json_object_get(side->capture->parameters, "tls-creds");

    if (mig_plan_has(s->plan, MIG_ABILITY_TLS)) {
        set(arguments, "tls-creds",
            json_string(s->wish->tls_creds != NULL ? s->wish->tls_creds : PLAIN_TLS_CREDS));
        if (side->is_source && s->wish->tls_hostname != NULL) {
            set(arguments, "tls-hostname", json_string(s->wish->tls_hostname));
        }
    } else if (json_is_string(now) && *json_string_value(now) != '\0') {
        set(arguments, "tls-creds", json_string(""));
    }
}

static void add_parameters(const struct script *s, const struct side *side)
{
    const struct mig_plan *p = s->plan;
    json_t *arguments = json_object();

    if (side->is_source) {
        if (p->load.bandwidth_bytes_s > 0) {
            set(arguments, "max-bandwidth", json_integer((json_int_t)p->load.bandwidth_bytes_s));
        }
        set(arguments, "downtime-limit", json_integer((json_int_t)p->load.downtime_ms));
    }
    if (mig_plan_has(p, MIG_ABILITY_MULTIFD)) {
        set(arguments, "multifd-channels", json_integer(p->channels));
    }
    /* Unknown before QEMU 5.0, where nothing was ever compressed. */
    if (side->capture->compressions.len > 0) {
        set(arguments, "multifd-compression", json_string(p->compression));
    }
    add_tls(s, side, arguments);
    if (json_object_size(arguments) > 0) {
        add(s, side, "migrate-set-parameters", arguments);
    } else {
        json_decref(arguments);
    }
}

/* Parameters and capabilities are checked against each other: first off, then
 * parameters, then on. */
static void add_setup(const struct script *s, const struct side *side)
{
    add_switches(s, side, false);
    add_parameters(s, side);
    add_switches(s, side, true);
}

static void add_uri(const struct script *s, const struct side *side, const char *command)
{
    json_t *arguments = json_object();

    set(arguments, "uri", json_string(s->wish->uri));
    add(s, side, command, arguments);
}

json_t *mig_commands_make(const struct mig_plan *plan, const struct mig_capture *source,
                          const struct mig_capture *destination, const struct mig_wish *wish)
{
    const struct script s = {plan, wish, source, json_array()};
    const struct side from = {"source", source, true}, to = {"destination", destination, false};
    json_t *arguments;

    add_setup(&s, &to);
    add_setup(&s, &from);
    if (wish->uri == NULL) {
        return s.list;
    }
    add_uri(&s, &to, "migrate-incoming");
    add_uri(&s, &from, "migrate");
    if (mig_plan_has(plan, MIG_ABILITY_POSTCOPY)) {
        add(&s, &from, "migrate-start-postcopy", json_object());
    }
    arguments = json_object();
    set(arguments, "state", json_string("pre-switchover"));
    add(&s, &from, "migrate-continue", arguments);
    return s.list;
}
