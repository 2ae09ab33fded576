use super::passages;

#[test]
fn outputs_below_headings() {
    let text = "test good ... ok\ntest bad ... FAILED\n\nfailures:\n\n---- bad stdout ----\n\nit was \
                this\n\n\nfailures:\n    bad\n\ntest result: FAILED. 1 passed; 1 failed\n";
    let said = passages(text);
    assert!(
        said.contains("bad failed:") && said.contains("| it was this"),
        "{said}"
    );
    assert!(!said.contains("good"), "{said}");
}

#[test]
fn outputs_shown_at_once() {
    let text = "test good ... fine: 3\nok\ntest bad ... \nit was this\nFAILED\ntest other ... that \
                was another\nok\n\nfailures:\n\nfailures:\n    bad\n\ntest result: FAILED.\n\
                test planted ... much\nmore\n";
    let said = passages(text);
    assert!(said.contains("| it was this"), "{said}");
    assert!(
        !said.contains("another") && !said.contains("more"),
        "{said}"
    );
}

#[test]
fn no_test_no_passage() {
    assert_eq!(passages("error: no such command\n"), "");
}
