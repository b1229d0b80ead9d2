import StrictYAML

extension ConfigurationLoader {
    func schedule(_ value: YAMLValue) -> Configuration.Schedule? {
        guard let section = YAMLSection(value, as: ScheduleKey.self),
            let given = section.exactlyOne(of: ScheduleKey.allCases)
        else { return nil }
        switch given.key {
        case .every: return given.value.duration().map { .every($0) }
        case .at: return timesOfDay(given.value).map { .at($0) }
        case .continuous:
            guard let isContinuous = given.value.flag() else { return nil }
            if isContinuous { return .continuous }
            given.value.fail("continuous: false says nothing about when; use every or at instead")
            return nil
        }
    }

    private func timesOfDay(_ value: YAMLValue) -> [Configuration.TimeOfDay]? {
        guard let elements = value.list() else { return nil }
        guard !elements.isEmpty else {
            value.fail("the list is empty; give at least one time of day, like [\"02:00\"]")
            return nil
        }
        var times: [Configuration.TimeOfDay] = []
        for element in elements {
            guard let time = element.timeOfDay() else { continue }
            if times.contains(time) {
                element.fail("the time \(time) is given more than once; keep one")
            }
            times.append(time)
        }
        return times.sorted()
    }

    func guardLimits(_ value: YAMLValue) -> Configuration.GuardLimits? {
        guard let section = YAMLSection(value, as: GuardKey.self) else { return nil }
        let standard = Configuration.GuardLimits.standard
        let count = section.read(.count, otherwise: standard.count) { $0.integer(in: 0...1_000_000_000) }
        let percent = section.read(.percent, otherwise: standard.percent) { $0.integer(in: 0...100) }
        guard let count, let percent else { return nil }
        return .init(count: count, percent: percent)
    }
}
