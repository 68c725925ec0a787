/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/xml.h"

#include "base/alloc.h"
#include "base/text.h"
#include "support/check.h"

static xmlNode *parse(const char *text)
{
    xmlNode *root = NULL;
    struct mig_error err;

    check_done(text, mig_xml_parse(text, strlen(text), &root, &err), &err);
    return root;
}

CHECK_TEST(elements_attributes_and_text_are_found)
{
    MIG_AUTO(mig_xml_free)
    xmlNode *root = parse("<?xml version='1.0'?>\n<!-- <b/> -->\n<a x='1' y='&lt;2'>\n"
                          "  one <!-- not --> two <b>three</b>\n  <c/><b/></a>");
    MIG_AUTO(mig_free) char *text = mig_xml_text(root);
    const xmlNode *b = mig_xml_child(root, "b"), *only;
    struct mig_error err;

    check_text("name", "a", mig_xml_name(root));
    check_text("x", "1", mig_xml_attribute(root, "x"));
    check_text("y", "<2", mig_xml_attribute(root, "y"));
    check_true("no z", mig_xml_attribute(root, "z") == NULL);
    check_true("of nothing", mig_xml_attribute(NULL, "z") == NULL);
    check_text("text", "one  two three", text);
    check_number("line", 4, (uint64_t)xmlGetLineNo(b));
    check_true("first", mig_xml_first(root) == b && mig_xml_first(NULL) == NULL);
    check_text("next", "c", mig_xml_name(mig_xml_next(b)));
    check_true("second b", mig_xml_sibling(b) == mig_xml_next(mig_xml_next(b)));
    check_true("no third", mig_xml_sibling(mig_xml_sibling(b)) == NULL);
    check_true("no fourth", mig_xml_next(mig_xml_sibling(b)) == NULL);
    check_done("only c", mig_xml_only(root, "c", &only, &err), &err);
    check_text("c", "c", mig_xml_name(only));
    check_done("no d", mig_xml_only(root, "d", &only, &err), &err);
    check_true("no d", only == NULL);
    check_true("two b", !mig_xml_only(root, "b", &only, &err));
    check_text("two b", "line 3, a: has more than one b", err.msg);
}

CHECK_TEST(text_and_values_are_decoded)
{
    static const struct {
        const char *text, *inside, *value;
    } cases[] = {
        {"<a/>",                                               "",             NULL      },
        {"<a x=''></a>",                                       "",             ""        },
        {"<a x='&lt;&amp;&gt;&#65;&#x42;'>&amp;&#67;</a>",     "&C",           "<&>AB"   },
        {"<a x=' 1 '>\n <![CDATA[<b>&amp;]]> \n</a>",          "<b>&amp;",     " 1 "     },
        {"<a x='\xc3\xa4'>\xe2\x82\xac</a>",                   "\xe2\x82\xac", "\xc3\xa4"},
        {"\xef\xbb\xbf<a x='1'>2</a>",                         "2",            "1"       },
        {"<?xml version='1.0' encoding='EBCDIC-US'?><a>1</a>", "1",            NULL      },
        {"<a>1<!-- 2 -->3<?pi 4?>5<b>6</b>7</a>",              "13567",        NULL      },
        {"<q:a xmlns:q='http://q.org' q:x='1'/>",              "",             NULL      },
        {"<a xmlns='http://q.org' x='1'/>",                    "",             "1"       },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_xml_free) xmlNode *root = parse(c->text);
        MIG_AUTO(mig_free) char *inside = mig_xml_text(root);
        const char *value = mig_xml_attribute(root, "x");

        check_text(c->text, "a", mig_xml_name(root));
        check_text(c->text, c->inside, inside);
        check_true(c->text, (value == NULL) == (c->value == NULL));
        if (value != NULL && c->value != NULL) {
            check_text(c->text, c->value, value);
        }
    }
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
    /* clang-format off */
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"",                                                     "not well-formed XML"},
        {"\n<a>",                                                "line 2: not well-formed XML: Premature end"},
        {"<a>\n<b",                                              "line 2: not well-formed XML: Couldn't find end of Start Tag b"},
        {"<a>\n</b>\n<c>",                                       "line 2: not well-formed XML: Opening and ending tag mismatch"},
        {"<a/><b/>",                                             "line 1: not well-formed XML: Extra content"},
        {"<a/>b",                                                "line 1: not well-formed XML: Extra content"},
        {"<a x='1' x='2'/>",                                     "line 1: not well-formed XML: Attribute x redefined"},
        {"<a x=1/>",                                             "line 1: not well-formed XML: AttValue"},
        {"<a>&b;</a>",                                           "line 1: not well-formed XML: Entity 'b' not defined"},
        {"<a x='&b;'/>",                                         "line 1: not well-formed XML: Entity 'b' not defined"},
        {"<a>\n<q:b/></a>",                                      "line 2: not well-formed XML: Namespace prefix q on b is not defined"},
        {"<a q:x='1'/>",                                         "line 1: not well-formed XML: Namespace prefix q for x"},
        {"<a>\x01</a>",                                          "line 1: not well-formed XML: PCDATA invalid Char value 1"},
        {"<a>\n\xff</a>",                                        "line 2: not well-formed XML: Input is not proper UTF-8"},
        {"<a x='\xc3'/>",                                        "line 1: not well-formed XML: "},
        {"<\x1b[2J/>",                                           "line 1: not well-formed XML: "},
        {"<a><\xc2\x9b></b></a>",                                "line 1: not well-formed XML: "},
        {"<?xml version='1.0' encoding='ISO-8859-1'?>\n<a>\xe4</a>",
                                                                "line 2: not well-formed XML: Input is not proper UTF-8"},
        {"<!DOCTYPE a><a/>",                                     "line 1: holds a document type, which is refused"},
        {"<!DOCTYPE a SYSTEM '/etc/passwd'><a/>",                "line 1: holds a document type, which is refused"},
        {"<!DOCTYPE a PUBLIC 'x' 'http://a.test/'><a/>",         "line 1: holds a document type, which is refused"},
        {"\n<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",           "line 2: holds a document type, which is refused"},
        {"<!DOCTYPE a [<!ENTITY % b SYSTEM 'file:///etc/passwd'> %b;]><a/>",
                                                                "line 1: holds a document type, which is refused"},
        {"<!DOCTYPE a [<!ENTITY b 'bbbbbbbbbb'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>"
         "<!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'><!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'>"
         "<!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;'><!ENTITY g '&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;'>"
         "]><a x='&g;'>&g;</a>",
                                                                "line 1: holds a document type, which is refused"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        xmlNode *root = NULL;
        struct mig_error err = {0};

        check_true(c->text, !mig_xml_parse(c->text, strlen(c->text), &root, &err));
        check_true(c->text, root == NULL && strpbrk(err.msg, "\x1b\n\xff\xc2") == NULL);
        check_contains(c->text, c->message, err.msg);
        check_number(c->text, MIG_FORMAT, err.code);
    }
}

CHECK_TEST(a_nul_byte_is_refused_everywhere)
{
    static const char document[] = "<a x='1'>\n<!-- c --><b/> t </a>\n";

    for (size_t i = 0; i < sizeof document; i++) { /* the last one: behind the end */
        MIG_AUTO(mig_free) char *text = mig_memdup(document, sizeof document);
        xmlNode *root = NULL;
        struct mig_error err = {0};

        text[i] = '\0';
        check_true("refused", !mig_xml_parse(text, sizeof document, &root, &err));
        check_contains("message", "holds a NUL byte", err.msg);
    }
}

CHECK_TEST(depth_number_and_length_are_limits)
{
    /* clang-format off */
    static const struct {
        const char *label, *before, *piece, *after, *back;
        size_t times;
        enum mig_code code;
    } cases[] = {
        {"deepest",            "<r>",     "<a>",        "",    "</a>", MIG_XML_DEPTH_MAX - 1,            MIG_OK    },
        {"deeper",             "<r>",     "<a>",        "",    "</a>", MIG_XML_DEPTH_MAX,                MIG_LIMIT },
        {"very deep",          "<r>",     "<a>",        "",    "",     1000000,                          MIG_LIMIT },
        {"most",               "<r>",     "<a/>",       "",    "",     MIG_XML_ELEMENTS_MAX - 1,         MIG_OK    },
        {"too many",           "<r>",     "<a/>",       "",    "",     MIG_XML_ELEMENTS_MAX,             MIG_LIMIT },
        {"far too many",       "<r>",     "<a/>",       "",    "",     2000000,                          MIG_LIMIT },
        {"long value",         "<r x='",  "0123456789", "'>",  "",     MIG_XML_PIECE_BYTES_MAX / 10 - 1, MIG_OK    },
        {"too long a value",   "<r x='",  "0123456789", "'>",  "",     MIG_XML_PIECE_BYTES_MAX / 10 + 1, MIG_LIMIT },
        {"too long a name",    "<r><",    "aaaaaaaaaa", "/>",  "",     20000,                            MIG_FORMAT},
        {"too long a text",    "<r>",     "0123456789", "",    "",     MIG_XML_PIECE_BYTES_MAX / 10 + 1, MIG_LIMIT },
        {"too long a comment", "<r><!--", "0123456789", "-->", "",     MIG_XML_PIECE_BYTES_MAX / 10 + 1, MIG_LIMIT },
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_text_clear) struct mig_text text = {0};
        MIG_AUTO(mig_xml_free) xmlNode *root = NULL;
        struct mig_error err = {0};

        mig_text_add(&text, c->before);
        for (size_t i = 0; i < c->times; i++) {
            mig_text_add(&text, c->piece);
        }
        mig_text_add(&text, c->after);
        for (size_t i = 0; c->back[0] != '\0' && i < c->times; i++) {
            mig_text_add(&text, c->back);
        }
        mig_text_add(&text, "</r>");
        check_number(c->label, c->code == MIG_OK, mig_xml_parse(text.items, text.len, &root, &err));
        check_number(c->label, c->code, err.code);
    }
}

CHECK_TEST(attributes_and_namespaces_of_one_element_are_limited)
{
    static const struct {
        const char *label;
        bool spaces;
        size_t times;
        bool done;
    } cases[] = {
        {"most attributes",     false, MIG_XML_ATTRIBUTES_MAX,     true },
        {"too many attributes", false, MIG_XML_ATTRIBUTES_MAX + 1, false},
        {"far too many",        false, 20000,                      false},
        {"most namespaces",     true,  MIG_XML_ATTRIBUTES_MAX,     true },
        {"too many namespaces", true,  MIG_XML_ATTRIBUTES_MAX + 1, false},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_text_clear) struct mig_text text = {0};
        MIG_AUTO(mig_xml_free) xmlNode *root = NULL;
        struct mig_error err = {0};

        mig_text_add(&text, "<r>\n<a");
        for (size_t i = 0; i < c->times; i++) {
            mig_text_addf(&text, c->spaces ? " xmlns:a%zu='http://a.org'" : " a%zu=''", i);
        }
        mig_text_add(&text, "/></r>");
        check_number(c->label, c->done, mig_xml_parse(text.items, text.len, &root, &err));
        check_number(c->label, c->done ? MIG_OK : MIG_LIMIT, err.code);
        if (!c->done) {
            check_contains(c->label, "line 2: more than", err.msg);
        }
    }
}

CHECK_TEST(numbers_are_strict_and_failures_name_the_place)
{
    MIG_AUTO(mig_xml_free)
    xmlNode *root = parse("<a><b n='12'/>\n<b n='0x1f'/><b n='-1'/><b n='12 '/><b n='99'/>"
                          "<b/></a>");
    static const struct {
        bool done;
        uint64_t value;
        const char *message;
    } cases[] = {
        {true,  12,   NULL                                                 },
        {true,  0x1f, NULL                                                 },
        {false, 0,    "line 2, a/b[3]: n '-1' is no number from 0 to 0x20" },
        {false, 0,    "line 2, a/b[4]: n '12 ' is no number from 0 to 0x20"},
        {false, 0,    "line 2, a/b[5]: n '99' is no number from 0 to 0x20" },
        {false, 0,    "line 2, a/b[6]: without attribute n"                },
    };
    const xmlNode *b = mig_xml_child(root, "b");

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
           cmocka_unit_test(text_and_values_are_decoded),
           cmocka_unit_test(the_outermost_element_is_told_without_parsing),
           cmocka_unit_test(bad_documents_are_refused_with_line_and_reason),
           cmocka_unit_test(a_nul_byte_is_refused_everywhere),
           cmocka_unit_test(depth_number_and_length_are_limits),
           cmocka_unit_test(attributes_and_namespaces_of_one_element_are_limited),
           cmocka_unit_test(numbers_are_strict_and_failures_name_the_place))
