//! What expressions mean beyond the conformance suite's visible cases: each line is an expression that is true, or one
//! that fails. Unchecked, so that the evaluator alone answers.

#![expect(clippy::expect_used, reason = "helpers of tests fail by panicking")]

use admit_compiler::standalone::compile_expr;
use admit_eval::datum::Datum;
use admit_eval::error::EvalError;

#[test]
fn strings() {
    hold(
        r#"
        'hello'.charAt(5) == ''
        'hello mellow'.indexOf('') == 0
        'hello mellow'.indexOf('', 2) == 2
        'hello mellow'.indexOf('ello', 2) == 7
        'hello mellow'.lastIndexOf('') == 12
        'hello mellow'.lastIndexOf('ello', 6) == 1
        'aXbXc'.lastIndexOf('X', 3) == 3
        'aaaa'.lastIndexOf('aa', 1) == 1
        'hello hello'.replace('he', 'we', -1) == 'wello wello'
        'hello hello'.replace('he', 'we', 0) == 'hello hello'
        'abc'.replace('', '-') == '-a-b-c-'
        'abc'.replace('', '-', 2) == '-a-bc'
        'hello hello hello'.split(' ', 2) == ['hello', 'hello hello']
        'hello'.split('') == ['h', 'e', 'l', 'l', 'o']
        'hello'.split('', 2) == ['h', 'ello']
        ''.split('') == []
        ''.split(',') == ['']
        'tacocat'.substring(0, 4) == 'taco'
        '\u180etext\u180e'.trim() == '\u180etext\u180e'
        ['x', '', 'z'].join(', ') == 'x, , z'
        'gums'.reverse() == 'smug'
        strings.quote('a"b\\') == '"a\\"b\\\\"'
        'ab'.matches('^a.$')
        matches('cow', 'o')
        "%s %s".format([1000000.0, 0.5]) == '1000000 0.5'
        "%d".format([2.5]) == '2.5'
        "%x %X %o %b".format([-30, -30, -11, -5]) == '-1e -1E -13 -101'
        "%e".format([0.00012]) == '1.200000e-04'
        "%.1e".format([123456.0]) == '1.2e+05'
        "%s".format([[1, 'a', {'k': [null]}]]) == '[1, a, {k: [null]}]'
        "%s".format([b'\x61\x62']) == 'ab'
        "%s %s".format([ip('1.2.3.4'), duration('1.5s')]) == '1.2.3.4 1.5s'
        'Ünïcode'.lowerAscii() == 'Ünïcode'
        "#,
    );
    fail(
        r#"
        'x'.charAt(-1)
        'x'.substring(-1)
        'x'.substring(2)
        ['a', 1].join()
        'a'.matches('(')
        'a'.matches('(?:a{1000}){1000}')
        "%".format([1])
        "%.f".format([1.0])
        "%.99999999f".format([1.0])
        "%s".format([])
        "%s".format([optional.none()])
        "#,
    );
}

#[test]
fn numbers() {
    hold(
        r#"
        math.greatest([1, 2u, 3.5]) == 3.5
        type(math.greatest(1, 1u)) == int
        math.least(-1, 0u) == -1
        math.round(-1.5) == -2.0
        math.ceil(-1.2) == -1.0
        math.trunc(-1.9) == -1.0
        math.sign(-0.5) == -1.0
        math.sign(0u) == 0u
        math.abs(-2.5) == 2.5
        math.isInf(-1.0 / 0.0)
        math.sqrt(49) == 7.0
        math.isNaN(math.sqrt(-1.0))
        math.bitShiftRight(-1, 1) == 9223372036854775807
        math.bitShiftLeft(-1, 2) == -4
        math.bitShiftRight(-1024, 3) == 2305843009213693824
        math.bitNot(0u) == 18446744073709551615u
        -7 / 2 == -3
        -7 % 2 == -1
        int('-9223372036854775808') == -9223372036854775808
        uint(2.9) == 2u
        double('-Infinity') == -1.0 / 0.0
        string(1000000.0) == '1e+06'
        string(999999.0) == '999999'
        string(0.0001) == '0.0001'
        string(6.02214e23) == '6.02214e+23'
        string(-0.0) == '-0'
        dyn(1) == 1u && dyn(1) == 1.0 && 1u == dyn(1.0)
        !(dyn('1') == 1)
        !(0.0 / 0.0 == 0.0 / 0.0)
        !(0.0 / 0.0 < 1.0) && !(0.0 / 0.0 >= 1.0)
        9223372036854775807 < 9223372036854775808u
        -1 < 0u
        "#,
    );
    fail(
        r#"
        math.greatest()
        math.greatest([])
        math.greatest('a')
        math.least(1, dyn('a'))
        math.abs(-9223372036854775808)
        math.bitShiftLeft(1, -1)
        math.floor(1)
        int(9223372036854775808.0)
        int(0.0 / 0.0)
        uint(-0.5)
        uint('-1')
        int('1.5')
        double('1e400')
        bool('yes')
        18446744073709551615u + 1u
        -9223372036854775808 % 0
        1 + 1.0
        1 < 'a'
        "#,
    );
}

#[test]
fn times() {
    hold(
        r#"
        timestamp('2023-01-01T00:00:00.5+01:00') == timestamp('2022-12-31T23:00:00.5Z')
        string(timestamp('2023-01-01T00:00:00.120Z')) == '2023-01-01T00:00:00.12Z'
        timestamp('2000-02-29T00:00:00Z').getDayOfYear() == 59
        timestamp('1969-12-31T23:59:59Z').getDayOfWeek() == 3
        timestamp('0001-01-01T00:00:00Z').getFullYear() == 1
        timestamp('9999-12-31T23:59:59Z').getMonth() == 11
        timestamp('2024-07-01T12:00:00Z').getHours('America/New_York') == 8
        timestamp('2024-01-01T12:00:00Z').getHours('America/New_York') == 7
        timestamp('2024-01-01T12:00:00Z').getHours('-9:30') == 2
        timestamp('2024-01-01T12:00:00Z').getMinutes('05:45') == 45
        timestamp(0) == timestamp('1970-01-01T00:00:00Z')
        int(timestamp('1969-12-31T23:59:59.5Z')) == -1
        duration('1h1m1s1ms1us1ns') == duration('3661.001001001s')
        duration('-1.5h') == -duration('0s') - duration('90m') || duration('-1.5h') == duration('-90m')
        duration('-0.5s') < duration('0s')
        string(duration('-90m')) == '-5400s'
        string(duration('1500us')) == '0.0015s'
        duration('123.321456789s').getMilliseconds() == 321
        duration('-90m').getHours() == -1
        duration('0') == duration('0s')
        timestamp('2023-01-02T00:00:00Z') - timestamp('2023-01-01T00:00:00Z') == duration('24h')
        "#,
    );
    fail(
        r#"
        timestamp('2023-02-29T00:00:00Z')
        timestamp('2023-01-01T24:00:00Z')
        timestamp('2023-01-01T00:00:60Z')
        timestamp('2023-01-01T00:00:00')
        timestamp('2023-01-01 00:00:00Z')
        timestamp('2023-01-01T00:00:00.Z')
        timestamp('9999-12-31T23:59:59-01:00')
        timestamp(253402300800)
        timestamp('2023-01-01T00:00:00Z').getHours('Mars/Olympus')
        timestamp('2023-01-01T00:00:00Z').getHours('25:00')
        duration('1')
        duration('s')
        duration('1h-1m')
        duration('')
        duration('-')
        duration('1 s')
        duration('315576000001s')
        duration('99999999999999999999999h')
        duration('1h').getMonth()
        "#,
    );
}

#[test]
fn networks() {
    hold(
        r#"
        ip('127.0.0.1').isLoopback() && ip('::1').isLoopback()
        ip('0.0.0.0').isUnspecified() && ip('::').isUnspecified()
        ip('169.254.1.1').isLinkLocalUnicast() && ip('fe80::1').isLinkLocalUnicast()
        ip('ff02::1').isLinkLocalMulticast()
        ip('10.0.0.1').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast()
        isIP('1.2.3.4') && isIP('::') && !isIP('1.2.3') && !isIP('01.2.3.4') && !isIP('')
        ip('::ffff:c0a8:1').family() == 4
        cidr('192.168.0.0/16').containsIP(ip('::ffff:c0a8:1'))
        cidr('192.168.0.0/16').containsIP('::ffff:c0a8:1')
        !ip.isCanonical('2001:db8:0:0:0:0:0:1') && ip.isCanonical('2001:db8::1')
        isCIDR('10.0.0.0/8') && !isCIDR('10.0.0.0') && !isCIDR('10.0.0.0/33') && !isCIDR('10.0.0.0/-1') && !isCIDR('10.0.0.0/')
        cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && cidr('10.1.2.3/8') != cidr('10.0.0.0/8')
        cidr('10.1.2.3/8').ip() == ip('10.1.2.3')
        cidr('::ffff:a00:0/104') == cidr('10.0.0.0/8')
        !cidr('10.0.0.0/16').containsCIDR('10.0.0.0/8')
        !cidr('0.0.0.0/0').containsIP('::1')
        string(cidr('2001:db8::/32')) == '2001:db8::/32'
        type(ip('1.1.1.1')) == net.IP && type(cidr('1.1.1.1/8')) == net.CIDR
        "#,
    );
    fail(
        r#"
        ip('')
        ip('::ffff:1.2.3.4')
        ip('fe80::1%eth0')
        cidr('10.0.0.0/8').containsIP('nonsense')
        ip('1.2.3.4').prefixLength()
        cidr('10.0.0.0/8').family()
        "#,
    );
}

#[test]
fn optionals_maps_and_lists() {
    hold(
        r#"
        optional.of(1).or(optional.of(1 / 0)).value() == 1
        optional.of(1).orValue(1 / 0) == 1
        optional.none().orValue(2) == 2
        !optional.ofNonZeroValue('').hasValue() && !optional.ofNonZeroValue(0u).hasValue() && optional.ofNonZeroValue([0]).hasValue()
        optional.of(2).optMap(x, x * 2).value() == 4
        !optional.none().optMap(x, x * 2).hasValue()
        optional.of(2).optFlatMap(x, optional.none()) == optional.none()
        optional.unwrap([optional.of(1), optional.none(), optional.of(3)]) == [1, 3]
        [1, 2].first().value() == 1 && [1, 2].last().value() == 2 && ![].first().hasValue()
        {'a': 1}.?b.orValue(7) == 7
        [1][?5].orValue(7) == 7
        {?'a': optional.none(), 'b': 2} == {'b': 2}
        [?optional.none(), 1] == [1]
        {1: 'a'}[1u] == 'a' && {1u: 'a'}[1.0] == 'a'
        1.0 in {1: 2} && !('1' in {1: 2})
        {'a': 1, 'b': 2} == {'b': 2.0, 'a': 1u}
        [1, 2, 3].exists(x, 1 / (x - 2) > 0)
        !([1, 2, 3].all(x, 6 / (x - 2) > 0))
        [1, 2, 3].map(x, x > 1, x * x) == [4, 9]
        {'a': 1}.transformMap(k, v, v + 1) == {'a': 2}
        {'a': 'x'}.transformMapEntry(k, v, {(v): k}) == {'x': 'a'}
        [5, 6].transformMap(i, v, v) == {0: 5, 1: 6}
        [1, 2].transformList(i, v, i * v) == [0, 2]
        cel.bind(x, [1], x + x) == [1, 1]
        base64.encode(b'hi') == 'aGk=' && base64.decode('aGk') == b'hi'
        type(optional.none()) == optional_type && type(null) == null_type && type(b'') == bytes
        "#,
    );
    fail(
        r#"
        optional.none().value()
        {1: 1, 1u: 2}
        {1.5: 1}
        {null: 1}
        [1][1]
        [1][-1]
        [1][0.5]
        {'a': 1}.b
        {'a': 1}['b']
        [1, 2, 3].exists_one(x, 1 / (x - 2) > 0)
        {'a': 1, 'b': 1}.transformMapEntry(k, v, {(v): k})
        1 in 1
        base64.decode('!')
        "#,
    );
}

fn hold(lines: &str) {
    for text in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        assert_eq!(value(text), Ok(Datum::Bool(true)), "{text}");
    }
}

fn fail(lines: &str) {
    for text in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let result = value(text);
        assert!(result.is_err(), "{text}: {result:?}");
    }
}

fn value(text: &str) -> Result<Datum, EvalError> {
    compile_expr(text, &[], "", false).expect(text).interpret(&[])
}
