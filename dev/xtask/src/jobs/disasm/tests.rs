use super::{FAST, functions, judge, problem, stops};

const TEXT: &str = "\
	.section	.text.probe_wait,\"ax\",@progbits
probe_wait:
	.cfi_startproc
	movl	%eax, 128(%rcx)
.LBB0_3:
	callq	_ZN4half4Half10meet_later17h0E
	jne	.LBB0_3
	retq
.Lfunc_end0:
	.size	probe_wait, .Lfunc_end0-probe_wait
probe_planted:
	movl	$1, %eax
	xchgl	%eax, (%rdi)
	retq
.Lfunc_end1:
table:
	.quad	7
";

#[test]
fn reads_functions() {
    let found = functions(TEXT);
    assert_eq!(found[0].0, "probe_wait");
    assert_eq!(found[0].1.len(), 4);
    assert_eq!(
        found[1],
        (
            "probe_planted",
            vec!["movl	$1, %eax", "xchgl	%eax, (%rdi)", "retq"]
        )
    );
}

#[test]
fn knows_what_stops() {
    for line in [
        "lock cmpxchgl %ecx, (%rdx)",
        "lock",
        "xchgl %eax, (%rdi)",
        "mfence",
        "xaddl %eax, (%rdi)",
    ] {
        assert!(stops(line), "{line}");
    }
    for line in ["xchgw %ax, %ax", "movl (%rdi), %eax", "pause"] {
        assert!(!stops(line), "{line}");
    }
}

#[test]
fn sees_calls_that_hide() {
    assert!(problem("callq	*some_function@GOTPCREL(%rip)").is_some());
    assert!(problem("jmp	some_function").is_some());
    assert!(problem("jmp	.LBB0_3").is_none());
    assert!(problem("callq	*_ZN4half4Half12wake_partner17h0E@GOTPCREL(%rip)").is_none());
}

#[test]
fn wants_all_and_the_planted_one() {
    let report = judge(&functions(TEXT)).unwrap_err();
    assert!(report.contains(&format!("{} is not in the assembly", FAST[1])));
    assert!(report.contains("where is the loop"));
    assert!(!report.contains("exchange in probe_planted"));
}
