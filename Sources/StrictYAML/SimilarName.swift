/// Finds the name that somebody probably meant.
public enum SimilarName {
    /// The known name nearest to what was written; nil if none is near. Letter case does not count, a known name that
    /// continues what was written is near, and else one typing error in each three letters is forgiven.
    public static func find(for written: String, among known: [String]) -> String? {
        let lowered = written.lowercased()
        guard lowered.unicodeScalars.count <= 64 else { return nil }
        let ranked = known.map { name in (name: name, distance: distance(lowered, name.lowercased())) }
        let nearest = ranked.min { $0.distance < $1.distance }
        if let nearest, nearest.distance <= max(1, lowered.unicodeScalars.count / 3) {
            return nearest.name
        }
        return lowered.count < 3 ? nil : known.first { $0.lowercased().hasPrefix(lowered) }
    }

    /// The number of insertions, deletions, replacements and swaps of neighbours that make one text of another
    /// (the optimal string alignment distance).
    private static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.unicodeScalars)
        let right = Array(right.unicodeScalars)
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                var best = previous[column] + (left[row] == right[column] ? 0 : 1)
                best = min(best, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, beforePrevious[column - 1] + 1)
                }
                current.append(best)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
