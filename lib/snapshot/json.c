/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/json.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "snapshot/node.h"

#define ERRNO_MAX 4095

/* Most errnos have a name everywhere; the rest stay numbers. */
static json_t *errno_to_json(int errnum)
{
    const char *name = strerrorname_np(errnum);

    return name != NULL ? json_string(name) : json_integer(errnum);
}

static bool errno_from_text(const char *text, int *ret)
{
    for (int errnum = 1; errnum <= ERRNO_MAX; errnum++) {
        const char *name = strerrorname_np(errnum);

        if (name != NULL && strcmp(name, text) == 0) {
            *ret = errnum;
            return true;
        }
    }
    return false;
}

static bool errno_from_json(const struct mig_node *n, int *ret, struct mig_error *err)
{
    if (json_is_string(n->json)) {
        return errno_from_text(json_string_value(n->json), ret) ||
               mig_node_fail(n, err, "'%.40s' is no errno", json_string_value(n->json));
    }
    if (!json_is_integer(n->json) || json_integer_value(n->json) < 1 ||
        json_integer_value(n->json) > ERRNO_MAX) {
        return mig_node_fail(n, err, "expected an errno such as \"EIO\"");
    }
    *ret = (int)json_integer_value(n->json);
    return true;
}

static json_t *hex(uint64_t value)
{
    MIG_AUTO(mig_free) char *text = mig_strf("0x%llx", (unsigned long long)value);

    return json_string(text);
}

static void put_number(json_t *object, const char *key, uint64_t number)
{
    if (number != 0) {
        mig_node_put(object, key, json_integer((json_int_t)number));
    }
}

static json_t *stamp_to_json(const struct mig_stamp *stamp)
{
    json_t *object = json_object();

    mig_node_put_text(object, "host", stamp->host);
    mig_node_put_text(object, "bootId", stamp->boot_id);
    put_number(object, "sequence", stamp->sequence);
    put_number(object, "issuedAt", (uint64_t)stamp->issued_at);
    put_number(object, "expiresAt", (uint64_t)stamp->expires_at);
    put_number(object, "tableVersion", stamp->table_version);
    if (stamp->has_nonce) {
        char nonce[2 * MIG_NONCE_BYTES + 1];

        mig_text_hex(stamp->nonce, MIG_NONCE_BYTES, nonce);
        mig_node_put(object, "nonce", json_string(nonce));
    }
    if (stamp->replayed) {
        mig_node_put(object, "replayed", json_true());
    }
    return object;
}

static json_t *groups_to_json(const struct mig_snapshot *s)
{
    json_t *object = json_object();

    for (unsigned i = 0; i < MIG_GROUP_COUNT; i++) {
        const struct mig_group_state *state = &s->groups[i];
        json_t *group;

        if (state->coverage == MIG_COVER_NONE && state->source[0] == '\0') {
            continue; /* as a missing group is read */
        }
        group = json_object();
        mig_node_put(group, "coverage", json_string(mig_coverage_name(state->coverage)));
        if (state->errnum != 0) {
            mig_node_put(group, "errno", errno_to_json(state->errnum));
        }
        mig_node_put_text(group, "source", state->source);
        mig_node_put(object, mig_group_name((enum mig_group)i), group);
    }
    return object;
}

static json_t *facts_to_json(const struct mig_snapshot *s)
{
    json_t *object = json_object();

    for (size_t i = 0; i < s->facts_len; i++) {
        const struct mig_fact *f = &s->facts[i];
        json_t *fact = json_object();

        if (f->errnum != 0) {
            mig_node_put(fact, "unreadable", errno_to_json(f->errnum));
        } else {
            mig_node_put(fact, "value", json_string(f->value));
        }
        mig_node_put_text(fact, "source", f->source);
        mig_node_put(object, f->name, fact);
    }
    return object;
}

void mig_snapshot_put_body(const struct mig_snapshot *s, json_t *object)
{
    json_t *registers = json_object(), *unreadable = json_object();

    for (size_t i = 0; i < s->entries_len; i++) {
        const struct mig_entry *e = &s->entries[i];
        char name[MIG_REG_TEXT_MAX];

        mig_reg_print(mig_reg_from_key(e->key), name);
        if (e->errnum != 0) {
            mig_node_put(unreadable, name, errno_to_json(e->errnum));
        } else {
            mig_node_put(registers, name, hex(e->value));
        }
    }
    mig_node_put(object, "arch", json_string(mig_arch_name(s->arch)));
    mig_node_put(object, "groups", groups_to_json(s));
    mig_node_put(object, "registers", registers);
    mig_node_put(object, "unreadable", unreadable);
    mig_node_put(object, "facts", facts_to_json(s));
}

char *mig_snapshot_to_json(const struct mig_snapshot *s)
{
    MIG_AUTO(mig_node_free) json_t *root = json_object();
    MIG_AUTO(mig_free) char *text = NULL;

    mig_node_put(root, "apiVersion", json_string("migctl/v1"));
    mig_node_put(root, "kind", json_string("Snapshot"));
    mig_node_put(root, "stamp", stamp_to_json(&s->stamp));
    mig_snapshot_put_body(s, root);
    text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
    MIG_ASSERT(text != NULL);
    return mig_strf("%s\n", text);
}

static bool read_text(const struct mig_node *object, const char *key, size_t max, const char **ret,
                      struct mig_error *err)
{
    struct mig_node n;
    const char *text;

    if (!mig_node_find(object, key, JSON_STRING, &n, err)) {
        return false;
    }
    text = n.json == NULL ? "" : json_string_value(n.json);
    if (strlen(text) > max) {
        return mig_node_fail(&n, err, "longer than %zu characters", max);
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < 0x20 || *p > 0x7e) {
            return mig_node_fail(&n, err, "not printable ASCII");
        }
    }
    *ret = text;
    return true;
}

static bool read_nonce(const struct mig_node *object, struct mig_stamp *stamp,
                       struct mig_error *err)
{
    const char *text;

    if (!read_text(object, "nonce", 2 * (size_t)MIG_NONCE_BYTES, &text, err)) {
        return false;
    }
    if (text[0] == '\0') {
        return true;
    }
    for (size_t i = 0; i < MIG_NONCE_BYTES; i++) {
        uint64_t byte;

        if (strlen(text) != 2 * (size_t)MIG_NONCE_BYTES ||
            !mig_text_digits(text + 2 * i, 2, 16, 255, &byte)) {
            return mig_node_fail(object, err, "nonce is not %d hex digits", 2 * MIG_NONCE_BYTES);
        }
        stamp->nonce[i] = (unsigned char)byte;
    }
    stamp->has_nonce = true;
    return true;
}

static bool read_stamp(const struct mig_node *root, struct mig_builder *b, struct mig_error *err)
{
    static const char *const keys[] = {"host",  "bootId",   "sequence",     "issuedAt", "expiresAt",
                                       "nonce", "replayed", "tableVersion", NULL};
    struct mig_stamp stamp = {0};
    uint64_t issued_at = 0, expires_at = 0, table_version = 0;
    const char *host, *boot_id;
    struct mig_node n;
    json_t *replayed;

    if (!mig_node_get(root, "stamp", JSON_OBJECT, &n, err) ||
        !mig_node_check_object(&n, keys, err) ||
        !read_text(&n, "host", sizeof stamp.host - 1, &host, err) ||
        !read_text(&n, "bootId", sizeof stamp.boot_id - 1, &boot_id, err) ||
        !mig_node_find_number(&n, "sequence", INT64_MAX, &stamp.sequence, err) ||
        !mig_node_find_number(&n, "issuedAt", INT64_MAX, &issued_at, err) ||
        !mig_node_find_number(&n, "expiresAt", INT64_MAX, &expires_at, err) ||
        !mig_node_find_number(&n, "tableVersion", UINT32_MAX, &table_version, err) ||
        !read_nonce(&n, &stamp, err)) {
        return false;
    }
    replayed = json_object_get(n.json, "replayed");
    if (replayed != NULL && !json_is_boolean(replayed)) {
        return mig_node_fail(&n, err, "replayed is neither true nor false");
    }
    memcpy(stamp.host, host, strlen(host));
    memcpy(stamp.boot_id, boot_id, strlen(boot_id));
    stamp.issued_at = (int64_t)issued_at;
    stamp.expires_at = (int64_t)expires_at;
    stamp.table_version = (uint32_t)table_version;
    stamp.replayed = json_is_true(replayed);
    mig_builder_stamp(b, &stamp);
    return true;
}

static bool coverage_from_text(const char *text, enum mig_coverage *ret)
{
    for (enum mig_coverage c = MIG_COVER_NONE; c <= MIG_COVER_FULL; c++) {
        if (strcmp(mig_coverage_name(c), text) == 0) {
            *ret = c;
            return true;
        }
    }
    return false;
}

static bool read_group(const struct mig_node *n, enum mig_group group, struct mig_builder *b,
                       struct mig_error *err)
{
    static const char *const keys[] = {"coverage", "errno", "source", NULL};
    struct mig_node reason = *n;
    enum mig_coverage coverage;
    const char *text, *source;
    int errnum = 0;

    if (!mig_node_check_object(n, keys, err) || !mig_node_get_text(n, "coverage", &text, err) ||
        !read_text(n, "source", MIG_SOURCE_MAX, &source, err)) {
        return false;
    }
    if (!coverage_from_text(text, &coverage)) {
        return mig_node_fail(n, err, "coverage '%.40s' is not none, unreadable, partial or full",
                             text);
    }
    reason.json = json_object_get(n->json, "errno");
    if (reason.json != NULL && coverage != MIG_COVER_UNREADABLE) {
        return mig_node_fail(n, err, "errno without coverage unreadable");
    }
    if (reason.json != NULL && !errno_from_json(&reason, &errnum, err)) {
        return false;
    }
    mig_builder_cover(b, group, coverage, errnum, source);
    return true;
}

static bool read_groups(const struct mig_node *root, struct mig_builder *b, struct mig_error *err)
{
    struct mig_node groups, n;

    if (!mig_node_get(root, "groups", JSON_OBJECT, &groups, err)) {
        return false;
    }
    for (void *i = json_object_iter(groups.json); i != NULL;
         i = json_object_iter_next(groups.json, i)) {
        enum mig_group group;

        if (!mig_group_parse(json_object_iter_key(i), &group)) {
            return mig_node_fail(&groups, err, "unknown key '%.80s'", json_object_iter_key(i));
        }
        if (!mig_node_member(&groups, i, JSON_OBJECT, &n, err) || !read_group(&n, group, b, err)) {
            return false;
        }
    }
    return true;
}

static bool read_register_name(const struct mig_node *object, void *i, struct mig_reg *ret,
                               struct mig_error *err)
{
    if (!mig_reg_parse(json_object_iter_key(i), ret, err)) {
        mig_text_make_printable(err->msg);
        return mig_wrap(err, "%s", object->path);
    }
    return true;
}

static bool read_registers(const struct mig_node *root, struct mig_builder *b,
                           struct mig_error *err)
{
    struct mig_node registers, n;

    if (!mig_node_get(root, "registers", JSON_OBJECT, &registers, err)) {
        return false;
    }
    for (void *i = json_object_iter(registers.json); i != NULL;
         i = json_object_iter_next(registers.json, i)) {
        struct mig_reg reg;
        uint64_t value, max;

        if (!read_register_name(&registers, i, &reg, err)) {
            return false;
        }
        max = mig_reg_width(reg) == 64 ? UINT64_MAX : UINT32_MAX;
        if (!mig_node_member(&registers, i, JSON_STRING, &n, err) ||
            !mig_node_hex(&n, max, &value, err)) {
            return false;
        }
        mig_builder_set(b, reg, value);
    }
    return true;
}

static bool read_unreadable(const struct mig_node *root, struct mig_builder *b,
                            struct mig_error *err)
{
    struct mig_node unreadable, n;

    if (!mig_node_find(root, "unreadable", JSON_OBJECT, &unreadable, err)) {
        return false;
    }
    for (void *i = json_object_iter(unreadable.json); i != NULL;
         i = json_object_iter_next(unreadable.json, i)) {
        struct mig_reg reg;
        int errnum;

        if (!read_register_name(&unreadable, i, &reg, err) ||
            !mig_node_member(&unreadable, i, json_typeof(json_object_iter_value(i)), &n, err) ||
            !errno_from_json(&n, &errnum, err)) {
            return false;
        }
        mig_builder_set_unreadable(b, reg, errnum);
    }
    return true;
}

static bool read_fact(const struct mig_node *n, const char *name, struct mig_builder *b,
                      struct mig_error *err)
{
    static const char *const keys[] = {"value", "unreadable", "source", NULL};
    struct mig_node reason = *n;
    const char *value, *source;
    int errnum;

    if (!mig_node_check_object(n, keys, err) ||
        !read_text(n, "value", MIG_FACT_TEXT_MAX, &value, err) ||
        !read_text(n, "source", MIG_SOURCE_MAX, &source, err)) {
        return false;
    }
    reason.json = json_object_get(n->json, "unreadable");
    if ((reason.json == NULL) == (json_object_get(n->json, "value") == NULL)) {
        return mig_node_fail(n, err, "expected either value or unreadable");
    }
    if (reason.json == NULL) {
        mig_builder_add_fact(b, name, value, source);
        return true;
    }
    if (!errno_from_json(&reason, &errnum, err)) {
        return false;
    }
    mig_builder_add_unreadable_fact(b, name, errnum, source);
    return true;
}

static bool read_facts(const struct mig_node *root, struct mig_builder *b, struct mig_error *err)
{
    struct mig_node facts, n;

    if (!mig_node_find(root, "facts", JSON_OBJECT, &facts, err)) {
        return false;
    }
    for (void *i = json_object_iter(facts.json); i != NULL;
         i = json_object_iter_next(facts.json, i)) {
        const char *name = json_object_iter_key(i);
        size_t len = strlen(name);

        if (len == 0 || len >= MIG_NAME_MAX) {
            return mig_node_fail(&facts, err, "a name is not 1 to %d characters long",
                                 MIG_NAME_MAX - 1);
        }
        if (!mig_node_member(&facts, i, JSON_OBJECT, &n, err) || !read_fact(&n, name, b, err)) {
            return false;
        }
    }
    return true;
}

/* The kind first: of another kind every key is wrong. */
static bool read_head(const struct mig_node *root, struct mig_error *err)
{
    static const char *const keys[] = {"apiVersion", "kind",       "arch",  "stamp", "groups",
                                       "registers",  "unreadable", "facts", NULL};

    return mig_node_check_kind(root, "Snapshot", err) && mig_node_check_object(root, keys, err);
}

static bool read_arch(const struct mig_node *object, enum mig_arch *ret, struct mig_error *err)
{
    const char *arch;

    if (!mig_node_get_text(object, "arch", &arch, err)) {
        return false;
    }
    for (*ret = MIG_ARCH_X86; *ret <= MIG_ARCH_ARM64; (*ret)++) {
        if (strcmp(mig_arch_name(*ret), arch) == 0) {
            return true;
        }
    }
    return mig_node_fail(object, err, "arch '%.40s' is neither x86-64 nor arm64", arch);
}

/* @stamped: with a stamp, which stands between architecture and body. */
static bool read_content(const struct mig_node *object, bool stamped, struct mig_snapshot **ret,
                         struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = NULL;
    enum mig_arch arch = MIG_ARCH_NONE;

    if (!read_arch(object, &arch, err)) {
        return false;
    }
    b = mig_builder_new(arch);
    return (!stamped || read_stamp(object, b, err)) && read_groups(object, b, err) &&
           read_registers(object, b, err) && read_unreadable(object, b, err) &&
           read_facts(object, b, err) && mig_builder_freeze(b, ret, err);
}

bool mig_snapshot_read_body(const struct mig_node *object, struct mig_snapshot **ret,
                            struct mig_error *err)
{
    static const char *const keys[] = {"arch", "groups", "registers", "unreadable", "facts", NULL};

    return mig_node_check_object(object, keys, err) && read_content(object, false, ret, err);
}

bool mig_snapshot_from_json(const char *text, size_t len, struct mig_snapshot **ret,
                            struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    struct mig_node root;

    return mig_node_open(text, len, &document, &root, err) && read_head(&root, err) &&
           read_content(&root, true, ret, err);
}
