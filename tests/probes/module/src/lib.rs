//! A module that does what a script says and writes down what the host answers.
