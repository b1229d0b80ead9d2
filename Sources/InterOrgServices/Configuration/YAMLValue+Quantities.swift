import Foundation
import StrictYAML

extension YAMLValue {
    /// A number with a unit of time: `1s`, `15m`, `2h`, `1d`; up to 366 days.
    ///
    /// - Parameter words: what may stand there instead, for problems.
    func duration(or words: [String] = []) -> Duration? {
        let expected = (words + ["a duration from 1s to 366d, like 30s, 15m, 2h or 1d"]).joined(separator: ", ")
        let secondsByUnit = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        let secondsMax = 366 * 86_400
        guard let seconds = quantity(expected: expected, units: secondsByUnit, range: 1...secondsMax) else {
            return nil
        }
        return .seconds(seconds)
    }

    /// A number with a unit of size, in bytes: `64kB` to `1000MB`.
    func byteCount() -> Int? {
        let bytesByUnit = ["kB": 1_000, "MB": 1_000_000, "KiB": 1_024, "MiB": 1_048_576]
        return quantity(
            expected: "a size from 64kB to 1000MB, in kB, MB, KiB or MiB, like 8MB",
            units: bytesByUnit, range: 64_000...1_000_000_000
        )
    }

    /// A time of day, from `00:00` to `23:59`.
    func timeOfDay() -> Configuration.TimeOfDay? {
        let expected = "a time of day from \"00:00\" to \"23:59\""
        guard let text = plainText(expected: expected) else { return nil }
        guard let match = text.wholeMatch(of: /([01][0-9]|2[0-3]):([0-5][0-9])/),
            let hour = Int(match.1), let minute = Int(match.2)
        else {
            fail("expected \(expected), found \"\(text)\"")
            return nil
        }
        return .init(hour: hour, minute: minute)
    }

    private func quantity(expected: String, units: [String: Int], range: ClosedRange<Int>) -> Int? {
        guard let text = plainText(expected: expected) else { return nil }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count)
        let found = unit.isEmpty && !digits.isEmpty ? "\(text) without a unit" : "\"\(text)\""
        guard let factor = units[String(unit)], let number = Int(digits) else {
            fail("expected \(expected), found \(found)")
            return nil
        }
        let product = number.multipliedReportingOverflow(by: factor)
        guard !product.overflow, range.contains(product.partialValue) else {
            fail("\"\(text)\" is out of range; expected \(expected)")
            return nil
        }
        return product.partialValue
    }
}
