use std::collections::HashSet;

use super::*;

fn name(file: &str) -> Option<&'static str> {
    of(OsStr::new(file)).map(|id| id.get().name)
}

#[test]
fn extensions_and_file_names_tell_the_language() {
    assert_eq!(name("main.rs"), Some("Rust"));
    assert_eq!(name("MAIN.CPP"), Some("C++"));
    assert_eq!(name("Makefile"), Some("Makefile"));
    assert_eq!(name("CMakeLists.txt"), Some("CMake"));
    assert_eq!(name(".gitignore"), Some("Lock and ignore"));
    assert_eq!(name("noise.zzz"), None);
    assert_eq!(name("an.extension-longer-than-any-known-one"), None);
}

#[test]
fn no_extension_or_name_belongs_to_two_languages() {
    let (mut extensions, mut names) = (HashSet::new(), HashSet::new());
    for language in LANGUAGES {
        for word in language.extensions.split_whitespace() {
            assert!(extensions.insert(word), "extension {word} twice");
        }
        for word in language.file_names.split_whitespace() {
            assert!(names.insert(word), "file name {word} twice");
        }
    }
}

#[test]
fn unknown_files_fall_back_by_content() {
    assert_eq!(unknown(true).get().name, "Binary");
    assert_eq!(unknown(false).get().name, "Other");
}
