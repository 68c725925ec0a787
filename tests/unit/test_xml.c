/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/xml.h"

#include "base/alloc.h"
#include "support/check.h"

static struct mig_xml *parse(const char *text)
{
    struct mig_xml *root = NULL;
    struct mig_error err;

    check_done(text, mig_xml_parse(text, strlen(text), &root, &err), &err);
    return root;
}

CHECK_TEST(elements_attributes_and_text_are_found)
{
    MIG_AUTO(mig_xml_free)
    struct mig_xml *root = parse("<?xml version='1.0'?>\n<!-- <b/> -->\n<a x='1' y='&lt;2'>\n"
                                 "  one <!-- not --> two <b>three</b>\n  <c/><b/></a>");
    const struct mig_xml *b = mig_xml_child(root, "b"), *only;
    struct mig_error err;

    check_text("name", "a", root->name);
    check_text("x", "1", mig_xml_attribute(root, "x"));
    check_text("y", "<2", mig_xml_attribute(root, "y"));
    check_true("no z", mig_xml_attribute(root, "z") == NULL);
    check_true("of nothing", mig_xml_attribute(NULL, "z") == NULL);
    check_text("text", "one  two", root->text.items);
    check_text("b", "three", b->text.items);
    check_number("line", 4, b->line);
    check_text("second b", "", mig_xml_sibling(b)->text.items);
    check_true("no third", mig_xml_sibling(mig_xml_sibling(b)) == NULL);
    check_done("only c", mig_xml_only(root, "c", &only, &err), &err);
    check_text("c", "c", only->name);
    check_done("no d", mig_xml_only(root, "d", &only, &err), &err);
    check_true("no d", only == NULL);
    check_true("two b", !mig_xml_only(root, "b", &only, &err));
    check_text("two b", "line 3, a: has more than one b", err.msg);
}

CHECK_TEST(the_outermost_element_is_told_without_parsing)
{
    static const struct {
        const char *text, *name;
        bool expected;
    } cases[] = {
        {"<domain/>",                                      "domain",             true },
        {"<domain type='kvm'>",                            "domain",             true },
        {"<domain>",                                       "domain",             true },
        {"<domain\n>",                                     "domain",             true },
        {"\n <?xml version='1.0'?><!-- <a> -->\n<domain>", "domain",             true },
        {"<!DOCTYPE domain>\n<domain>",                    "domain",             true },
        {"<!---->\n<domain>",                              "domain",             true },
        {"<domainCapabilities>",                           "domain",             false},
        {"<domainCapabilities>",                           "domainCapabilities", true },
        {"<capabilities><domain/></capabilities>",         "domain",             false},
        {"<domain",                                        "domain",             false},
        {"<",                                              "domain",             false},
        {"",                                               "domain",             false},
        {"<!-- <domain>",                                  "domain",             false},
        {"<?<domain>",                                     "domain",             false},
        {"domain",                                         "domain",             false},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *exact = mig_memdup(c->text, strlen(c->text));

        check_number(c->text, c->expected, mig_xml_is(exact, strlen(c->text), c->name));
    }
}

CHECK_TEST(bad_documents_are_refused_with_line_and_reason)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"",                                         "line 1: no element found"   },
        {"<a>",                                      "line 1: no element found"   },
        {"<a>\n</b>",                                "line 2: mismatched tag"     },
        {"<a/><b/>",                                 "line 1: junk after"         },
        {"<a x='1' x='2'/>",                         "line 1: duplicate attribute"},
        {"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "holds a document type"      },
        {"<!DOCTYPE a SYSTEM '/etc/passwd'><a/>",    "holds a document type"      },
        {"<a>&b;</a>",                               "line 1: undefined entity"   },
    };

    CHECK_EACH (c, cases) {
        struct mig_xml *root = NULL;
        struct mig_error err = {0};

        check_true(c->text, !mig_xml_parse(c->text, strlen(c->text), &root, &err));
        check_contains(c->text, c->message, err.msg);
        check_number(c->text, MIG_FORMAT, err.code);
    }
}

CHECK_TEST(depth_and_number_are_limits)
{
    static const struct {
        const char *label, *piece;
        size_t times;
        bool done;
    } cases[] = {
        {"deepest",  "<a>",  MIG_XML_DEPTH_MAX - 1,    true },
        {"deeper",   "<a>",  MIG_XML_DEPTH_MAX,        false},
        {"most",     "<a/>", MIG_XML_ELEMENTS_MAX - 1, true },
        {"too many", "<a/>", MIG_XML_ELEMENTS_MAX,     false},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_text_clear) struct mig_text text = {0};
        MIG_AUTO(mig_xml_free) struct mig_xml *root = NULL;
        struct mig_error err = {0};

        mig_text_add(&text, "<r>");
        for (size_t i = 0; i < c->times; i++) {
            mig_text_add(&text, c->piece);
        }
        for (size_t i = 0; c->piece[2] == '>' && i < c->times; i++) {
            mig_text_add(&text, "</a>");
        }
        mig_text_add(&text, "</r>");
        check_number(c->label, c->done, mig_xml_parse(text.items, text.len, &root, &err));
        check_number(c->label, c->done ? MIG_OK : MIG_LIMIT, err.code);
    }
}

CHECK_TEST(numbers_are_strict_and_failures_name_the_place)
{
    MIG_AUTO(mig_xml_free)
    struct mig_xml *root = parse("<a><b n='12'/>\n<b n='0x1f'/><b n='-1'/><b n='12 '/><b n='99'/>"
                                 "<b/></a>");
    static const struct {
        bool done;
        uint64_t value;
        const char *message;
    } cases[] = {
        {true,  12,   NULL                                                 },
        {true,  0x1f, NULL                                                 },
        {false, 0,    "line 2, a/b[2]: n '-1' is no number from 0 to 0x20" },
        {false, 0,    "line 2, a/b[3]: n '12 ' is no number from 0 to 0x20"},
        {false, 0,    "line 2, a/b[4]: n '99' is no number from 0 to 0x20" },
        {false, 0,    "line 2, a/b[5]: without attribute n"                },
    };
    const struct mig_xml *b = mig_xml_child(root, "b");

    CHECK_EACH (c, cases) {
        uint64_t value = 0;
        struct mig_error err = {0};

        check_number("done", c->done, mig_xml_get_number(b, "n", 0x20, &value, &err));
        check_number("value", c->value, value);
        if (c->message != NULL) {
            check_text("message", c->message, err.msg);
        }
        b = mig_xml_sibling(b);
    }
}

CHECK_MAIN(cmocka_unit_test(elements_attributes_and_text_are_found),
           cmocka_unit_test(the_outermost_element_is_told_without_parsing),
           cmocka_unit_test(bad_documents_are_refused_with_line_and_reason),
           cmocka_unit_test(depth_and_number_are_limits),
           cmocka_unit_test(numbers_are_strict_and_failures_name_the_place))
