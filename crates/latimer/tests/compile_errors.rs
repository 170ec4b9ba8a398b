//! What an author reads who makes a common mistake.
//!
//! The messages are those of the compiler that CI uses; another one may word its part differently.

#[test]
fn common_mistakes_are_told_in_words_that_say_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
