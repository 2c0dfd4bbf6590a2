# What the paper's table shows, recalled, as a pattern: Tian et al. 2020, section 4.1. Rows that are
# not here are not recalled.
published = {
    '[digit]': 'digit good, others near chance',
    '[background]': 'background good, others near chance',
    '[position]': 'position good, others near chance',
    '[digit,background]': 'background wins, digit lost',
    '[digit,background,position]': 'background wins, digit lost',
}
