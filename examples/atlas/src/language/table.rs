//! The languages known by extension. The last two rows are the fallbacks.

use super::{Kind, Language};
use crate::lexer::Syntax;

const C_LIKE: Syntax = Syntax {
    line: &["//"],
    block: &[("/*", "*/")],
    quotes: b"\"",
};
const C_LIKE_TICKS: Syntax = Syntax {
    line: &["//"],
    block: &[("/*", "*/")],
    quotes: b"\"'`",
};
const PHP_LIKE: Syntax = Syntax {
    line: &["//", "#"],
    block: &[("/*", "*/")],
    quotes: b"\"'",
};
const HASH: Syntax = Syntax {
    line: &["#"],
    block: &[],
    quotes: b"\"'",
};
const PYTHON: Syntax = Syntax {
    line: &["#"],
    block: &[("\"\"\"", "\"\"\""), ("'''", "'''")],
    quotes: b"\"'",
};
const ELIXIR: Syntax = Syntax {
    line: &["#"],
    block: &[("\"\"\"", "\"\"\"")],
    quotes: b"\"",
};
const SQL: Syntax = Syntax {
    line: &["--"],
    block: &[("/*", "*/")],
    quotes: b"'",
};
const LUA: Syntax = Syntax {
    line: &["--"],
    block: &[("--[[", "]]")],
    quotes: b"\"'",
};
const HASKELL: Syntax = Syntax {
    line: &["--"],
    block: &[("{-", "-}")],
    quotes: b"\"",
};
const ML: Syntax = Syntax {
    line: &[],
    block: &[("(*", "*)")],
    quotes: b"\"",
};
const FSHARP: Syntax = Syntax {
    line: &["//"],
    block: &[("(*", "*)")],
    quotes: b"\"",
};
const PASCAL: Syntax = Syntax {
    line: &["//"],
    block: &[("(*", "*)"), ("{", "}")],
    quotes: b"'",
};
const SEMICOLON: Syntax = Syntax {
    line: &[";"],
    block: &[],
    quotes: b"\"",
};
const PERCENT: Syntax = Syntax {
    line: &["%"],
    block: &[],
    quotes: b"\"",
};
const ASSEMBLY: Syntax = Syntax {
    line: &["#", ";", "//"],
    block: &[("/*", "*/")],
    quotes: b"\"",
};
const POWERSHELL: Syntax = Syntax {
    line: &["#"],
    block: &[("<#", "#>")],
    quotes: b"\"'",
};
const JULIA: Syntax = Syntax {
    line: &["#"],
    block: &[("#=", "=#")],
    quotes: b"\"",
};
const VIM: Syntax = Syntax {
    line: &["\""],
    block: &[],
    quotes: b"'",
};
const BATCH: Syntax = Syntax {
    line: &["::"],
    block: &[],
    quotes: b"\"",
};
const FORTRAN: Syntax = Syntax {
    line: &["!"],
    block: &[],
    quotes: b"\"'",
};
const ADA: Syntax = Syntax {
    line: &["--"],
    block: &[],
    quotes: b"\"",
};
const NONE: Syntax = Syntax {
    line: &[],
    block: &[],
    quotes: b"",
};

const RUST: &str = "as async await break const continue crate dyn else enum extern false fn for \
    if impl in let loop match mod move mut pub ref return self Self static struct super trait \
    true type unsafe use where while union";
const C: &str = "auto bool break case char const continue default define defined do double elif \
    else endif enum error extern float for goto if ifdef ifndef include inline int long pragma \
    register restrict return short signed sizeof static struct switch typedef undef union \
    unsigned void volatile while";
const CPP: &str = "alignas alignof auto bool break case catch char class co_await co_return \
    const const_cast constexpr continue decltype default define defined delete do double \
    dynamic_cast elif else endif enum error explicit export extern false final float for friend \
    goto if ifdef ifndef include inline int long mutable namespace new noexcept nullptr operator \
    override pragma private protected public register reinterpret_cast requires return short \
    signed sizeof static static_assert static_cast struct switch template this throw true try \
    typedef typeid typename undef union unsigned using virtual void volatile while";
const JAVA: &str = "abstract assert boolean break byte case catch char class const continue \
    data def default do double else enum extends false final finally float for fun if implements \
    import in instanceof int interface internal is lateinit lazy long match native new null \
    object open operator out override package private protected public record return sealed \
    short static super suspend switch synchronized this throw throws trait transient true try \
    typealias val var void volatile when where while with yield";
const CSHARP: &str = "abstract as async await base bool break byte case catch char class const \
    continue decimal default delegate do double else enum event explicit extern false finally \
    fixed float for foreach get if implicit in init int interface internal is lock long \
    namespace new null object operator out override params partial private protected public \
    readonly record ref return sbyte sealed set short sizeof static string struct switch this \
    throw true try typeof uint ulong unsafe using var virtual void volatile where while yield";
const SCRIPT: &str = "abstract any as async await boolean break case catch class const continue \
    debugger declare default delete do else enum export extends false finally for from function \
    get if implements import in infer instanceof interface keyof let namespace new null number \
    of private protected public readonly return set static string super switch this throw true \
    try type typeof undefined unknown var void while with yield";
const PY: &str = "False None True and as assert async await break class continue def del elif \
    else except finally for from global if import in is lambda nonlocal not or pass raise return \
    self try while with yield";
const GO: &str = "bool break byte case chan const continue default defer else error fallthrough \
    false float32 float64 for func go goto if import int int32 int64 interface iota map nil \
    package range return rune select string struct switch true type uint uint32 uint64 uint8 var";
const SHELL: &str = "case do done elif else esac exit export fi for function if in local read \
    return set shift then unset until while";
const RUBY: &str = "BEGIN END alias and begin break case class def defined do else elsif end \
    ensure false for if in module next nil not or redo rescue retry return self super then true \
    undef unless until when while yield";
const PHP: &str = "abstract and array as bool break callable case catch class clone const \
    continue declare default do echo else elseif empty enum extends false final finally fn for \
    foreach function global if implements include instanceof int interface isset list match \
    namespace new null or php print private protected public readonly require require_once \
    return static string switch this throw trait true try unset use var void while yield";
const SWIFT: &str = "as associatedtype async await break case catch class continue default defer \
    deinit do else enum extension fallthrough false fileprivate final for func get guard if \
    import in init inout internal is lazy let mutating nil open operator override private \
    protocol public repeat rethrows return self Self set some static struct subscript super \
    switch throw throws true try typealias var weak where while";
const LUA_WORDS: &str = "and break do else elseif end false for function goto if in local nil not \
    or repeat return then true until while self";
const SQL_WORDS: &str = "ADD ALTER AND AS BEGIN BETWEEN BY CASE CREATE DELETE DESC DISTINCT DROP \
    ELSE END EXISTS FROM GROUP HAVING IF IN INDEX INNER INSERT INTO IS JOIN KEY LEFT LIKE LIMIT \
    NOT NULL ON OR ORDER PRIMARY REFERENCES SELECT SET TABLE THEN UNION UNIQUE UPDATE VALUES VIEW \
    WHEN WHERE WITH add alter and as begin between by case create delete desc distinct drop else \
    end exists from group having if in index inner insert into is join key left like limit not \
    null on or order primary references select set table then union unique update values view \
    when where with";
const FUNCTIONAL: &str = "and as begin case class data deriving do done else end exception extern \
    external false forall foreign fun function functor if import in include infix infixl infixr \
    instance let match member method module mutable namespace newtype of open or private qualified \
    rec sig struct then to true try type val when where while with";
const ZIG: &str = "align and anytype asm break catch comptime const continue defer else enum \
    errdefer error export extern false fn for if inline null or orelse packed pub return struct \
    switch test true try type undefined union unreachable usingnamespace var void while";
const ELIXIR_WORDS: &str = "after and case catch cond def defmacro defmodule defp defstruct do \
    else end false fn for if import in nil not or quote receive require rescue true try unless \
    unquote use when with";
const SOLIDITY: &str = "address bool bytes constant constructor contract else emit event external \
    false for function if import indexed int interface internal is library mapping memory modifier \
    new override payable pragma private public pure require return returns storage string struct \
    this true uint uint256 using view virtual while";

const fn code(
    name: &'static str,
    extensions: &'static str,
    syntax: Syntax,
    keywords: &'static str,
) -> Language {
    Language {
        name,
        kind: Kind::Code,
        extensions,
        file_names: "",
        syntax,
        keywords,
    }
}

const fn plain(name: &'static str, kind: Kind, extensions: &'static str) -> Language {
    Language {
        name,
        kind,
        extensions,
        file_names: "",
        syntax: NONE,
        keywords: "",
    }
}

const fn named(file_names: &'static str, language: Language) -> Language {
    Language {
        file_names,
        ..language
    }
}

/// Every language atlas knows, the fallbacks `Binary` and `Other` last.
pub static LANGUAGES: &[Language] = &[
    code("Rust", "rs", C_LIKE, RUST),
    code("C", "c h", C_LIKE, C),
    code("C++", "cpp cc cxx hpp hh hxx ipp inl tcc", C_LIKE, CPP),
    code("CUDA", "cu cuh", C_LIKE, CPP),
    code("Objective-C", "m mm", C_LIKE, CPP),
    code("C#", "cs csx", C_LIKE, CSHARP),
    code("Java", "java", C_LIKE, JAVA),
    code("Kotlin", "kt kts", C_LIKE, JAVA),
    code("Scala", "scala sc", C_LIKE, JAVA),
    named("jenkinsfile", code("Groovy", "groovy gradle", C_LIKE, JAVA)),
    code("Go", "go", C_LIKE_TICKS, GO),
    code("Swift", "swift", C_LIKE, SWIFT),
    code("Zig", "zig zon", C_LIKE, ZIG),
    code("D", "d", C_LIKE, CPP),
    code("Dart", "dart", C_LIKE_TICKS, JAVA),
    code("JavaScript", "js mjs cjs jsx", C_LIKE_TICKS, SCRIPT),
    code("TypeScript", "ts mts cts tsx", C_LIKE_TICKS, SCRIPT),
    code("Vue", "vue svelte astro", C_LIKE, SCRIPT),
    named("sconstruct", code("Python", "py pyi pyw pyx", PYTHON, PY)),
    named(
        "rakefile gemfile podfile vagrantfile brewfile",
        code("Ruby", "rb rake gemspec", HASH, RUBY),
    ),
    code("PHP", "php phtml", PHP_LIKE, PHP),
    code("Perl", "pl pm pod", HASH, SHELL),
    code(
        "R",
        "r",
        HASH,
        "FALSE NULL TRUE break else for function if in library next return while",
    ),
    code("Julia", "jl", JULIA, RUBY),
    named(
        ".bashrc .profile .zshrc configure gradlew",
        code("Shell", "sh bash zsh fish ksh", HASH, SHELL),
    ),
    code("PowerShell", "ps1 psm1 psd1", POWERSHELL, SHELL),
    code(
        "Batch",
        "bat cmd",
        BATCH,
        "REM call echo else exit for goto if not off rem set",
    ),
    code("Lua", "lua", LUA, LUA_WORDS),
    code("SQL", "sql", SQL, SQL_WORDS),
    code("Haskell", "hs lhs", HASKELL, FUNCTIONAL),
    code("Elm", "elm", HASKELL, FUNCTIONAL),
    code("OCaml", "ml mli", ML, FUNCTIONAL),
    code("F#", "fs fsi fsx", FSHARP, FUNCTIONAL),
    code("Coq", "v", ML, FUNCTIONAL),
    code("Lean", "lean", HASKELL, FUNCTIONAL),
    code("Elixir", "ex exs", ELIXIR, ELIXIR_WORDS),
    code(
        "Erlang",
        "erl hrl",
        PERCENT,
        "after begin case catch end fun if of receive try when",
    ),
    code(
        "Clojure",
        "clj cljs cljc edn",
        SEMICOLON,
        "def defn defmacro do fn if let loop nil ns",
    ),
    code(
        "Lisp",
        "lisp lsp el scm ss rkt",
        SEMICOLON,
        "define defun if lambda let nil setq",
    ),
    code(
        "Pascal",
        "pas pp dpr",
        PASCAL,
        "begin do else end for function if of procedure then var",
    ),
    code(
        "Fortran",
        "f f77 f90 f95 f03 f08 for",
        FORTRAN,
        "call do else end if integer real then",
    ),
    code(
        "Ada",
        "adb ads",
        ADA,
        "begin end function if in is of procedure return then type with",
    ),
    code("Assembly", "s asm nasm", ASSEMBLY, ""),
    code(
        "Vim script",
        "vim",
        VIM,
        "call else endfunction endif function if let return set",
    ),
    code("Solidity", "sol", C_LIKE, SOLIDITY),
    code("GLSL", "glsl vert frag comp geom wgsl hlsl", C_LIKE, C),
    code(
        "Protocol Buffers",
        "proto",
        C_LIKE,
        "enum import int32 int64 message option string",
    ),
    named(
        "makefile gnumakefile kbuild",
        code(
            "Makefile",
            "mk mak",
            HASH,
            "define else endef endif ifdef ifeq ifneq include",
        ),
    ),
    named(
        "cmakelists.txt",
        code(
            "CMake",
            "cmake",
            HASH,
            "else elseif endforeach endfunction endif foreach if set",
        ),
    ),
    named(
        "dockerfile containerfile",
        code(
            "Dockerfile",
            "dockerfile",
            HASH,
            "ADD ARG AS CMD COPY ENV FROM RUN USER WORKDIR",
        ),
    ),
    code(
        "Nix",
        "nix",
        HASH,
        "assert else if in inherit let or rec then with",
    ),
    code(
        "HCL",
        "hcl tf tfvars",
        PHP_LIKE,
        "false for if in null true",
    ),
    named(
        "build workspace",
        code("Starlark", "bzl bazel star", HASH, PY),
    ),
    named("meson.build", code("Meson", "meson", HASH, PY)),
    plain("HTML", Kind::Markup, "html htm xhtml j2 jinja hbs ejs erb"),
    plain("CSS", Kind::Markup, "css scss sass less"),
    plain(
        "XML",
        Kind::Markup,
        "xml xsd xsl xslt svg plist wxs csproj vcxproj props targets ui",
    ),
    plain("TeX", Kind::Markup, "tex sty cls bib"),
    named(
        "cargo.lock poetry.lock .editorconfig .gitconfig .gitmodules",
        plain(
            "TOML and INI",
            Kind::Data,
            "toml ini cfg conf properties desktop service",
        ),
    ),
    plain(
        "JSON",
        Kind::Data,
        "json jsonl json5 jsonc geojson ipynb webmanifest map",
    ),
    plain("YAML", Kind::Data, "yaml yml"),
    plain("Tables", Kind::Data, "csv tsv"),
    named(
        ".gitignore .gitattributes .dockerignore .npmignore go.sum yarn.lock",
        plain("Lock and ignore", Kind::Data, "lock sum"),
    ),
    plain("Patch", Kind::Data, "diff patch rej"),
    plain("Markdown", Kind::Prose, "md markdown mdx mdown"),
    plain("reStructuredText", Kind::Prose, "rst"),
    named(
        "readme license licence copying authors changelog changes contributing notice todo news \
         install unlicense license-mit license-apache",
        plain(
            "Text",
            Kind::Prose,
            "txt text adoc asciidoc org log 1 2 3 4 5 6 7 8",
        ),
    ),
    plain("Gettext", Kind::Prose, "po pot"),
    plain(
        "Image",
        Kind::Binary,
        "png jpg jpeg gif bmp ico icns webp avif tif tiff psd xcf",
    ),
    plain(
        "Audio and video",
        Kind::Binary,
        "mp3 ogg flac wav opus m4a mp4 webm mkv avi mov",
    ),
    plain("Font", Kind::Binary, "ttf otf woff woff2 eot"),
    plain(
        "Archive",
        Kind::Binary,
        "zip gz tgz xz bz2 zst tar 7z rar jar war deb rpm crate whl",
    ),
    plain(
        "Document",
        Kind::Binary,
        "pdf doc docx xls xlsx ppt pptx odt ods odp ps epub",
    ),
    plain(
        "Compiled",
        Kind::Binary,
        "o a so dylib dll exe rlib rmeta lib obj class pyc wasm node",
    ),
    plain("Binary", Kind::Binary, "bin dat db sqlite sqlite3 pack idx"),
    plain("Other", Kind::Other, ""),
];
